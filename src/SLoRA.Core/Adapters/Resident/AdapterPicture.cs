using SLoRA.Adapters.Packing;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// What the outside sees of a registration: immutable, of one moment, and replaced by the engine's thread at each change.
/// </summary>
internal sealed record AdapterPicture
{
    /// <summary>What configuration and headers say; null until the adapter source has answered.</summary>
    public required AdapterHeaders? Headers { get; init; }

    /// <summary>Pages that it needs; 0 until that is known.</summary>
    public required int PageCount { get; init; }

    /// <summary>The content, which has a picture of its own; null until it has been read.</summary>
    public required Generation? Generation { get; init; }

    /// <summary>Sequences that hold it, waiting ones included, and preloads.</summary>
    public required int Leases { get; init; }

    /// <summary>Whether content and pages are to stay.</summary>
    public required bool IsPinned { get; init; }

    /// <summary>Whether the last look at where it comes from has found another adapter.</summary>
    public required bool IsStale { get; init; }

    /// <summary>Requests so far.</summary>
    public required long Requests { get; init; }

    /// <summary>Tokens of its requests' sequences that have ended.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>Readings of the content that succeeded.</summary>
    public required long Loads { get; init; }

    /// <summary>Timestamp of the last request; 0 for never.</summary>
    public required long LastUsed { get; init; }
}
