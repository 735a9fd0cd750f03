namespace SLoRA;

/// <summary>The whole answer to a request.</summary>
public sealed record GenerationResult
{
    /// <summary>The continuations, as many as were asked for.</summary>
    public required IReadOnlyList<GeneratedContinuation> Continuations { get; init; }

    /// <summary>What the request took.</summary>
    public required GenerationUsage Usage { get; init; }

    /// <summary>How probable each token of the prompt was, by its place; empty unless the request asked for it.</summary>
    public IReadOnlyList<PromptTokenLogProbability?> PromptLogProbabilities { get; init; } = [];
}
