namespace SLoRA;

/// <summary>Adapters in the page pool now, and since the engine was built.</summary>
/// <param name="Resident">Contents that have pages.</param>
/// <param name="InUse">Those that running requests use.</param>
/// <param name="PagingIn">Contents that pages are promised to and that are still to be copied.</param>
public readonly record struct AdapterCacheStatus(int Resident, int InUse, int PagingIn)
{
    /// <summary>How often an admitted request found an adapter in the pool, or on its way into it.</summary>
    public long Hits { get; init; }

    /// <summary>How often an admitted request found an adapter neither in the pool nor on its way into it.</summary>
    public long Misses { get; init; }

    /// <summary>Contents that were copied into the pool.</summary>
    public long PageIns { get; init; }

    /// <summary>Bytes of the pages that the copied contents took.</summary>
    public long PageInBytes { get; init; }

    /// <summary>Time that copying contents into the pool took.</summary>
    public TimeSpan PageInTime { get; init; }

    /// <summary>Contents that lost their pages to others.</summary>
    public long Evictions { get; init; }

    /// <summary>The share of hits, from 0 to 1; 0 when there was no request yet.</summary>
    public double HitRate => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);
}
