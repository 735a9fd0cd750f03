namespace SLoRA.Sampling;

/// <summary>Presence and frequency penalty: l −= count · frequency + presence, for every token that was generated at least once.</summary>
internal static class CountPenalty
{
    public static void Apply(
        Span<float> logits, ReadOnlySpan<int> tokens, ReadOnlySpan<int> generatedCounts, float presence, float frequency)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            if (generatedCounts[i] > 0)
            {
                logits[tokens[i]] -= (generatedCounts[i] * frequency) + presence;
            }
        }
    }
}
