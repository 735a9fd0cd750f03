namespace SLoRA.Core.Bench;

/// <summary>What an engine is asked to serve.</summary>
internal sealed record ServeWorkload
{
    /// <summary>The decoder.</summary>
    public required Shape Shape { get; init; }

    /// <summary>The base weights.</summary>
    public required BaseWeights Weights { get; init; }

    /// <summary>Whether the requests use the adapters in turn; else they use the base.</summary>
    public required bool IsMixed { get; init; }

    /// <summary>Requests, all present at the start.</summary>
    public required int Requests { get; init; }

    /// <summary>Tokens of each prompt.</summary>
    public required int Prompt { get; init; }

    /// <summary>Tokens of each answer that decode steps give.</summary>
    public required int Output { get; init; }

    /// <summary>Adapters.</summary>
    public required int Adapters { get; init; }

    /// <summary>The rank of all adapters, which then are on all linear modules; null for ranks in turn on q, k, v and o.</summary>
    public int? Rank { get; init; }

    /// <summary>Threads that compute.</summary>
    public required int Threads { get; init; }

    /// <summary>Measured repetitions, after one that warms up.</summary>
    public required int Repetitions { get; init; }
}
