namespace SLoRA;

/// <summary>Pages of the pool: every page is free, or holds what is kept of sequences, or adapter weights.</summary>
/// <param name="PageBytes">Bytes of a page.</param>
/// <param name="Total">All pages.</param>
/// <param name="Free">Pages that nobody owns.</param>
/// <param name="Reserved">Free pages that are promised to admitted requests.</param>
/// <param name="Adapters">Pages that hold adapter weights.</param>
public readonly record struct PoolStatus(long PageBytes, int Total, int Free, int Reserved, int Adapters)
{
    /// <summary>Pages that hold what is kept of sequences: keys and values, and states where the model has any.</summary>
    public int Cache => Total - Free - Adapters;

    /// <summary>What keys and values are kept as; never <see cref="CacheType.Weights"/>.</summary>
    public CacheType CacheType { get; init; }

    /// <summary>Pages of adapters that no running request uses and that are not pinned: they stay until somebody needs the room.</summary>
    public int IdleAdapters { get; init; }

    /// <summary>Pages of adapters that running requests use, or that are pinned.</summary>
    public int AdaptersInUse => Adapters - IdleAdapters;

    /// <summary>Pages of keys and values that only the cache of prefixes keeps: they stay until somebody needs the room.</summary>
    public int IdlePrefixes { get; init; }

    /// <summary>Those of <see cref="Cache"/> that sequences use.</summary>
    public int CacheInUse => Cache - IdlePrefixes;

    /// <summary>
    /// The share of all pages that are in use or promised, from 0 to 1: what idle adapters and cached prefixes hold counts as room.
    /// </summary>
    public double Utilization => Total == 0 ? 0 : (double)(CacheInUse + AdaptersInUse + Reserved) / Total;
}
