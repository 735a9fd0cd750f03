namespace SLoRA.Core.Tests.Sampling;

/// <summary>One row of logits, the options and tokens that act on it, and what must come out.</summary>
internal sealed record SamplingCase(SamplingOptions Options, int[] Prompt, int[] Generated, double[] RawLogits, double[] Probabilities)
{
    public float[] Logits { get; } = [.. RawLogits.Select(logit => (float)logit)];

    public int[] Tokens { get; } = [.. Prompt, .. Generated];
}
