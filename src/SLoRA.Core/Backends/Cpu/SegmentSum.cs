using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The softmax of one query over a run of positions, not yet divided: largest score, sum of weights, weighted sum of values <c>[D']</c>.
/// Scores are in base 2.
/// </summary>
/// <param name="maximum">Largest score; −∞ before the first position.</param>
/// <param name="weights">Sum of weights <c>2^(s − maximum)</c>.</param>
/// <param name="sums">Weighted sum of values.</param>
internal readonly unsafe struct SegmentSum(float* maximum, float* weights, float* sums)
{
    /// <summary>Forgets everything.</summary>
    public void Clear() => *maximum = float.NegativeInfinity;

    /// <summary>Adds a later segment: <c>this 2^(M − max) + segment 2^(m − max)</c>. A segment without a weight changes nothing.</summary>
    public void Add(float segmentMaximum, float segmentWeights, float* segmentSums, int paddedDim)
    {
        if (segmentMaximum == float.NegativeInfinity)
        {
            if (segmentWeights == 0)
            {
                return;
            }

            // None of its scores is a number.
            segmentMaximum = float.NaN;
        }

        if (*maximum == float.NegativeInfinity)
        {
            *maximum = segmentMaximum;
            *weights = segmentWeights;
            new ReadOnlySpan<float>(segmentSums, paddedDim).CopyTo(new Span<float>(sums, paddedDim));
            return;
        }

        float larger = MathF.Max(*maximum, segmentMaximum);
        float factor = PowerOfTwo.Of(*maximum - larger);
        float segmentFactor = PowerOfTwo.Of(segmentMaximum - larger);
        *maximum = larger;
        *weights = (*weights * factor) + (segmentWeights * segmentFactor);
        for (int i = 0; i < paddedDim; i += Lanes.Count)
        {
            ((Vector512.Load(sums + i) * factor) + (Vector512.Load(segmentSums + i) * segmentFactor)).Store(sums + i);
        }
    }

    /// <summary>Writes the weighted mean; where all scores are −∞, 0 if there is a sink and NaN if there is none.</summary>
    /// <param name="y">Where.</param>
    /// <param name="dim">Columns.</param>
    /// <param name="sinks">A score for each head that has a weight and no value; null for none.</param>
    /// <param name="head">The head.</param>
    public void Store(float* y, int dim, CpuVector? sinks, int head)
    {
        if (*maximum == float.NegativeInfinity)
        {
            new Span<float>(y, dim).Fill(sinks is null ? float.NaN : 0);
            return;
        }

        if (sinks is not null)
        {
            *weights += Exponential.Of(sinks.Data[head] - (*maximum * PowerOfTwo.Ln2));
        }

        float factor = 1 / *weights;
        int i = 0;
        for (; i + Lanes.Count <= dim; i += Lanes.Count)
        {
            (Vector512.Load(sums + i) * factor).Store(y + i);
        }

        for (; i < dim; i++)
        {
            y[i] = sums[i] * factor;
        }
    }
}
