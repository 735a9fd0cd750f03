namespace SLoRA.Sampling;

/// <summary>
/// Removes tokens whose probability is below a share of the largest; the largest weight is 1, so the share is the threshold.
/// </summary>
internal static class MinP
{
    public static void Apply(Candidates candidates, float share)
    {
        candidates.KeepWeightsFrom(share);
        Softmax.Sum(candidates);
    }
}
