namespace SLoRA;

/// <summary>Which log-probabilities a request wants beside its tokens. Immutable; one instance may serve any number of requests.</summary>
public sealed record LogProbabilityOptions
{
    /// <summary>The largest <see cref="TopCount"/>.</summary>
    public const int MaxTopCount = 1024;

    /// <summary>
    /// With <see cref="IncludePrompt"/>, the most entries for the prompt: its tokens times <see cref="TopCount"/>. They are held until the
    /// stream is let go, 8 bytes each.
    /// </summary>
    public const int MaxPromptEntries = 1 << 18;

    /// <summary>
    /// How many of the most probable tokens to report beside the chosen one: 0 (the default) to <see cref="MaxTopCount"/>, at most the
    /// vocabulary's size.
    /// </summary>
    public int TopCount { get; init; }

    /// <summary>Which distribution is reported for generated tokens; the model's own by default.</summary>
    public LogProbabilitySource Source { get; init; }

    /// <summary>
    /// Whether the tokens of the prompt get theirs too, always from the model's own distribution. The first token of a prompt has none.
    /// Bounded by <see cref="MaxPromptEntries"/>.
    /// </summary>
    public bool IncludePrompt { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <param name="vocabularySize">The number of tokens the model knows.</param>
    /// <exception cref="InvalidRequestException">A value is out of its range.</exception>
    public void Validate(int vocabularySize)
    {
        int limit = Math.Min(MaxTopCount, vocabularySize);
        if (TopCount < 0 || TopCount > limit)
        {
            throw InvalidRequestException.For(nameof(TopCount), $"TopCount is {TopCount}; it must be between 0 and {limit}.");
        }

        if (Source is not (LogProbabilitySource.Model or LogProbabilitySource.Processed))
        {
            throw InvalidRequestException.For(nameof(Source), $"Source is {(int)Source}, which names no distribution.");
        }
    }
}
