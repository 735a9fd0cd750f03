using System.Diagnostics;
using SLoRA.Backends;
using SLoRA.Pool;

namespace SLoRA.Adapters;

/// <summary>
/// Which generations have pages. A generation is reserved for when a request that needs it is admitted, paged in before the next step, and stays
/// after its last user until others need the pages: the one that was used longest ago goes first. Belongs to the engine's thread.
/// </summary>
internal sealed class DeviceCache(PagePool pool, IPageMemory memory) : IIdlePages
{
    private readonly List<Generation> _resident = [];
    private readonly List<Generation> _pagingIn = [];
    private long _clock;
    private AdapterCacheStatus _counters;

    /// <summary>What became of the requests for adapters, since the engine was built; how many are resident is not filled in.</summary>
    public AdapterCacheStatus Counters => _counters;

    /// <summary>Told how long copying a generation took.</summary>
    public Action<TimeSpan>? PagedIn { get; set; }

    /// <summary>Generations that have pages.</summary>
    public IReadOnlyList<Generation> Resident => _resident;

    /// <summary>Generations that pages are promised to.</summary>
    public IReadOnlyList<Generation> PagingIn => _pagingIn;

    /// <summary>Pages that bringing in <paramref name="leases"/> would take; a generation that several of them share counts once.</summary>
    public static int MissingPages(ReadOnlySpan<Lease> leases)
    {
        int pages = 0;
        for (int i = 0; i < leases.Length; i++)
        {
            Generation generation = leases[i].Generation!;
            bool counted = false;
            for (int j = 0; j < i; j++)
            {
                counted |= ReferenceEquals(leases[j].Generation, generation);
            }

            if (!counted && generation is { Resident: null, IsPagingIn: false })
            {
                pages += generation.Directory.PageCount;
            }
        }

        return pages;
    }

    /// <inheritdoc/>
    public int IdlePageCount
    {
        get
        {
            int pages = 0;
            foreach (Generation generation in _resident)
            {
                pages += generation.Users == 0 ? generation.Directory.PageCount : 0;
            }

            return pages;
        }
    }

    /// <inheritdoc/>
    public double LeastWorth => OldestIdle() is { } oldest ? 1.0 / (1 + _clock - oldest.LastUsed) : double.PositiveInfinity;

    /// <inheritdoc/>
    public void GiveUpLeast() => Evict(OldestIdle()!);

    /// <summary>Adds a user: a resident generation stays from here on.</summary>
    public static void Hold(Generation generation) => generation.Users++;

    /// <summary>Promises pages to a held generation that has none. Room has been made before.</summary>
    /// <returns>Whether it is in the pool.</returns>
    public bool Acquire(Generation generation)
    {
        generation.LastUsed = ++_clock;
        bool isResident = generation.Resident is not null;
        _counters = isResident ? _counters with { Hits = _counters.Hits + 1 } : _counters with { Misses = _counters.Misses + 1 };
        if (generation is { Resident: null, IsPagingIn: false })
        {
            if (!pool.TryReserve(generation.Directory.PageCount))
            {
                throw new InvalidOperationException("No room has been made for the generation.");
            }

            generation.IsPagingIn = true;
            _pagingIn.Add(generation);
        }

        return isResident;
    }

    /// <summary>Takes a user away. The pages stay; a promise that nobody needs any more is taken back.</summary>
    public void Release(Generation generation)
    {
        generation.Users--;
        if (generation is { Users: 0, IsPagingIn: true })
        {
            CancelPageIn(generation);
        }
    }

    /// <summary>Copies the tiles of every generation that pages were promised to.</summary>
    public void PageIn()
    {
        foreach (Generation generation in _pagingIn)
        {
            long started = Stopwatch.GetTimestamp();
            var pages = new int[generation.Directory.PageCount];
            for (int i = 0; i < pages.Length; i++)
            {
                pages[i] = pool.TakeReserved();
            }

            TilePacker.Pack(generation.Content, generation.Directory, memory, pages);
            generation.IsPagingIn = false;
            generation.Resident = new ResidentAdapter(generation.Directory, pages);
            _resident.Add(generation);
            TimeSpan duration = Stopwatch.GetElapsedTime(started);
            PagedIn?.Invoke(duration);
            _counters = _counters with
            {
                PageIns = _counters.PageIns + 1,
                PageInBytes = _counters.PageInBytes + (pages.Length * memory.PageBytes),
                PageInTime = _counters.PageInTime + duration,
            };
        }

        _pagingIn.Clear();
    }

    /// <summary>Takes the pages of an idle generation.</summary>
    public void Evict(Generation generation)
    {
        foreach (int page in generation.Resident!.Pages)
        {
            pool.Release(page);
        }

        generation.Resident = null;
        _counters = _counters with { Evictions = _counters.Evictions + 1 };
        _resident.Remove(generation);
    }

    /// <summary>Takes the pages of every idle generation.</summary>
    public void EvictIdle()
    {
        while (OldestIdle() is { } generation)
        {
            Evict(generation);
        }
    }

    private void CancelPageIn(Generation generation)
    {
        pool.CancelReservation(generation.Directory.PageCount);
        generation.IsPagingIn = false;
        _pagingIn.Remove(generation);
    }

    private Generation? OldestIdle()
    {
        Generation? oldest = null;
        foreach (Generation generation in _resident)
        {
            if (generation.Users == 0 && (oldest is null || generation.LastUsed < oldest.LastUsed))
            {
                oldest = generation;
            }
        }

        return oldest;
    }
}
