namespace SLoRA.Sampling;

/// <summary>Draws a token: the first, in order of ids, at which the cumulative weight exceeds u · total.</summary>
internal static class InverseTransform
{
    /// <param name="candidates">The weighted tokens.</param>
    /// <param name="u">Uniform in [0, 1).</param>
    public static int Draw(Candidates candidates, double u)
    {
        double rest = u * candidates.Total;
        ReadOnlySpan<double> sums = candidates.BlockSums;
        int block = 0;
        while (block < sums.Length - 1 && rest >= sums[block])
        {
            rest -= sums[block++];
        }

        // Rounding can carry the walk past the end of a block; then it is the last token of it, or of a block before, that has weight.
        ReadOnlySpan<float> weights = candidates.Weights;
        int i = block * Candidates.BlockSize;
        int end = Math.Min(i + Candidates.BlockSize, weights.Length);
        for (; i < end; i++)
        {
            rest -= weights[i];
            if (rest < 0)
            {
                return candidates.TokenAt(i);
            }
        }

        while (weights[--i] == 0)
        {
        }

        return candidates.TokenAt(i);
    }
}
