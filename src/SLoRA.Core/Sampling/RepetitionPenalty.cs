namespace SLoRA.Sampling;

/// <summary>l &gt; 0 ? l / p : l · p, once for every distinct token of prompt and output.</summary>
internal static class RepetitionPenalty
{
    public static void Apply(Span<float> logits, ReadOnlySpan<int> tokens, float penalty)
    {
        foreach (int token in tokens)
        {
            float logit = logits[token];
            logits[token] = logit > 0 ? logit / penalty : logit * penalty;
        }
    }
}
