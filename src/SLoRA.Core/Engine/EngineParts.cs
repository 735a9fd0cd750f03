using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Diagnostics;
using SLoRA.Models;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>What an engine loop is made of.</summary>
internal sealed record EngineParts
{
    /// <summary>The model on its backend.</summary>
    public required Decoder Decoder { get; init; }

    /// <summary>How keys depend on the length of a sequence; null if they do not.</summary>
    public RopeLengths? RopeLengths { get; init; }

    /// <summary>What it computes on.</summary>
    public required BackendStatus Backend { get; init; }

    /// <summary>Where what is kept of a sequence lies in its pages.</summary>
    public required KvLayout Layout { get; init; }

    /// <summary>How many pages sequences need.</summary>
    public TableShape TableShape => field ??= TableShape.Of(Layout, Scheduling.MaxRowsPerStep);

    /// <summary>Who owns which page.</summary>
    public required PagePool Pool { get; init; }

    /// <summary>The pages' bytes.</summary>
    public required IPageMemory Pages { get; init; }

    /// <summary>Begins to read and check an adapter's content in the background.</summary>
    public required ReadContent ReadContent { get; init; }

    /// <summary>Whether names that are not registered can be looked up.</summary>
    public bool HasAdapterSource { get; init; }

    /// <summary>How fast content is read beside steps.</summary>
    public required LoadPace Pace { get; init; }

    /// <summary>How adapters come into the pool.</summary>
    public required AdapterCacheOptions AdapterCache { get; init; }

    /// <summary>What the way of adapters into pages is made of.</summary>
    /// <param name="prefixes">Pages of keys and values that are kept for others; null when none are.</param>
    public ResidencyParts Residency(PrefixCache? prefixes) => new()
    {
        Pool = Pool,
        Pages = Pages,
        ReadContent = ReadContent,
        HasAdapterSource = HasAdapterSource,
        Pace = Pace,
        AdapterCache = AdapterCache,
        StreamBuffer = Scheduling.StreamBuffer,
        Prefixes = prefixes,
        PagedIn = Metrics.PagedIn,
        Clock = Clock,
    };

    /// <summary>Says which sequences go before which.</summary>
    public required IQueueOrder Order { get; init; }

    /// <summary>Limits.</summary>
    public required SchedulingOptions Scheduling { get; init; }

    /// <summary>Seeds of requests that name none.</summary>
    public required SeedSource Seeds { get; init; }

    /// <summary>What is measured for the outside.</summary>
    public required EngineMetrics Metrics { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Whether full blocks of keys and values are kept and shared.</summary>
    public bool ReusesPrefixes { get; init; } = true;

    /// <summary>Whether the invariants are checked after every step.</summary>
    public bool ChecksInvariants { get; init; }
}
