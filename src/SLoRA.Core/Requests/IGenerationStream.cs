namespace SLoRA;

/// <summary>
/// The answer to one request, token by token. Enumerated once, as tokens or as <see cref="Updates"/>; the other members say
/// what was known when the last piece came, and everything once the enumeration has ended.
/// </summary>
public interface IGenerationStream : IAsyncEnumerable<GeneratedToken>
{
    /// <summary>The request.</summary>
    GenerationRequest Request { get; }

    /// <summary>Why the request ended; null as long as it has not.</summary>
    FinishReason? FinishReason { get; }

    /// <summary>Why each continuation ended; empty as long as the request has not.</summary>
    IReadOnlyList<FinishReason> FinishReasons { get; }

    /// <summary>How probable each token of the prompt was, by its place; empty unless the request asked for it.</summary>
    IReadOnlyList<PromptTokenLogProbability?> PromptLogProbabilities { get; }

    /// <summary>What the request took; null as long as it has not ended.</summary>
    GenerationUsage? Usage { get; }

    /// <summary>
    /// The answer with the end of each continuation in its place, for callers that close one while others go on. Enumerated in place of the
    /// stream itself.
    /// </summary>
    IAsyncEnumerable<GenerationUpdate> Updates { get; }
}
