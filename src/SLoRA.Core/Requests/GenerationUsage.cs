namespace SLoRA;

/// <summary>What a request took.</summary>
public sealed record GenerationUsage
{
    /// <summary>Tokens of the prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>
    /// Tokens of the prompt that did not have to be computed because their keys and values were there: <see cref="CachedPromptTokens"/>,
    /// and the whole prompt for each further continuation, which shares that of the first.
    /// </summary>
    public required int CachedTokens { get; init; }

    /// <summary>Tokens of the prompt whose keys and values earlier requests had left: see <see cref="PoolOptions.PrefixReuse"/>.</summary>
    public int CachedPromptTokens { get; init; }

    /// <summary>Tokens of all continuations.</summary>
    public required int GeneratedTokens { get; init; }

    /// <summary>From arrival until admission: waiting for pages or for a place. Without <see cref="PageInTime"/>.</summary>
    public required TimeSpan QueueTime { get; init; }

    /// <summary>Waiting for the content of the request's adapters to be read.</summary>
    public required TimeSpan PageInTime { get; init; }

    /// <summary>From admission until the first token.</summary>
    public required TimeSpan PrefillTime { get; init; }

    /// <summary>From the first token until the end.</summary>
    public required TimeSpan DecodeTime { get; init; }

    /// <summary>How often a sequence of the request had to give its pages to others and wait; only under over-commit.</summary>
    public int Preemptions { get; init; }

    /// <summary>
    /// The generation of each of the request's adapters that answered, in the request's order: a hash of its content in hexadecimal digits,
    /// as <see cref="AdapterStatus.Generation"/> has it. Empty for the base, and for a request that never ran.
    /// </summary>
    public IReadOnlyList<string> Generations { get; init; } = [];

    /// <summary>The usage of a request that never ran.</summary>
    internal static GenerationUsage Nothing(GenerationRequest request) => new()
    {
        PromptTokens = request.Prompt.Length,
        CachedTokens = 0,
        GeneratedTokens = 0,
        QueueTime = TimeSpan.Zero,
        PageInTime = TimeSpan.Zero,
        PrefillTime = TimeSpan.Zero,
        DecodeTime = TimeSpan.Zero,
    };
}
