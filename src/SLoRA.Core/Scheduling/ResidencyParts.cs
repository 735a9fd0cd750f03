using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Pool;

namespace SLoRA.Scheduling;

/// <summary>What the way of adapters into pages is made of.</summary>
internal sealed record ResidencyParts
{
    /// <summary>Who owns which page.</summary>
    public required PagePool Pool { get; init; }

    /// <summary>The pages' bytes.</summary>
    public required IPageMemory Pages { get; init; }

    /// <summary>Begins to read and check an adapter's content in the background.</summary>
    public required ReadContent ReadContent { get; init; }

    /// <summary>Whether names that are not registered can be looked up.</summary>
    public required bool HasAdapterSource { get; init; }

    /// <summary>How fast content is read beside steps.</summary>
    public required LoadPace Pace { get; init; }

    /// <summary>How adapters come into the pool.</summary>
    public required AdapterCacheOptions AdapterCache { get; init; }

    /// <summary>Unread tokens at which a sequence pauses.</summary>
    public required int StreamBuffer { get; init; }

    /// <summary>Pages of keys and values that are kept for others; null when none are.</summary>
    public required PrefixCache? Prefixes { get; init; }

    /// <summary>Told how long it took from a generation's pages until its bytes were in them.</summary>
    public required Action<TimeSpan> PagedIn { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }
}
