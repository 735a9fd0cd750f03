namespace SLoRA;

/// <summary>What a request took.</summary>
public sealed record GenerationUsage
{
    /// <summary>Tokens of the prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens of the answer.</summary>
    public required int GeneratedTokens { get; init; }

    /// <summary>From arrival until the request was admitted: waiting for pages, for a place, for its adapters' content.</summary>
    public required TimeSpan QueueTime { get; init; }

    /// <summary>From admission until the first token.</summary>
    public required TimeSpan PrefillTime { get; init; }

    /// <summary>From the first token until the end.</summary>
    public required TimeSpan DecodeTime { get; init; }

    /// <summary>The usage of a request that never ran.</summary>
    internal static GenerationUsage Nothing(GenerationRequest request) => new()
    {
        PromptTokens = request.Prompt.Length,
        GeneratedTokens = 0,
        QueueTime = TimeSpan.Zero,
        PrefillTime = TimeSpan.Zero,
        DecodeTime = TimeSpan.Zero,
    };
}
