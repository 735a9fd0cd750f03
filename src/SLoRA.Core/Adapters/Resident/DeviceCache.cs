using SLoRA.Backends;
using SLoRA.Pool;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// Which generations have pages. A generation gets its pages when a request that needs it is admitted, or before, when there are pages to
/// spare; its image is copied into them in slices between steps; and it keeps them after its last user until others need them: what is
/// worth least goes first. Belongs to the engine's thread.
/// </summary>
/// <param name="pool">Who owns which page.</param>
/// <param name="memory">The pages' bytes.</param>
/// <param name="store">Content in main memory: asked whether it takes what loses its pages and is nowhere else.</param>
/// <param name="pagedIn">Told how long it took from a generation's pages until its bytes were in them.</param>
/// <param name="clock">The clock.</param>
internal sealed class DeviceCache(PagePool pool, IPageMemory memory, HostStore store, Action<TimeSpan> pagedIn, TimeProvider clock)
    : IIdlePages
{
    /// <summary>What reading, hashing and packing costs, in copies out of the host store.</summary>
    private const double DiskCost = 8;

    /// <summary>What waiting requests add to the worth: their generations go last.</summary>
    private const double WaitedFor = 1e18;

    private readonly List<Generation> _resident = [];
    private readonly List<Generation> _pagingIn = [];
    private long _uses;
    private AdapterCacheStatus _counters;

    /// <summary>What became of the requests for adapters, since the engine was built; how many are resident is not filled in.</summary>
    public AdapterCacheStatus Counters => _counters;

    /// <summary>Generations whose pages are complete.</summary>
    public IReadOnlyList<Generation> Resident => _resident;

    /// <summary>Generations that have pages and are still to be copied into them.</summary>
    public IReadOnlyList<Generation> PagingIn => _pagingIn;

    /// <summary>Pages that generations own.</summary>
    public int OwnedPages { get; private set; }

    /// <summary>Pages of pinned generations, which nobody else can get.</summary>
    public int PinnedPages => Sum(static generation => generation.Pins > 0);

    /// <inheritdoc/>
    public int IdlePageCount => Sum(static generation => generation.IsIdle);

    /// <inheritdoc/>
    public double LeastWorth => LeastIdle(leased: true) is { } least ? WorthOf(least) : double.PositiveInfinity;

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
    public void GiveUpLeast() => Evict(LeastIdle(leased: true)!);

    /// <summary>Notes that a generation was wanted.</summary>
    public void NoteUse(Generation generation) => generation.NoteUse(clock.GetTimestamp(), ++_uses, clock);

    /// <summary>Notes that an admitted request wants a generation, and gives it pages if it has none. Room has been made before.</summary>
    /// <returns>Whether it has been given pages, to be copied into.</returns>
    public bool Acquire(Generation generation)
    {
        NoteUse(generation);

        // One miss for each copying: those who come while it is under way cost no other.
        bool isThere = generation.Resident is not null || generation.IsPagingIn;
        if (isThere)
        {
            generation.NoteHit();
            _counters = _counters with { Hits = _counters.Hits + 1 };
            return false;
        }

        _counters = _counters with { Misses = _counters.Misses + 1 };
        BeginCopy(generation);
        return true;
    }

    /// <summary>Bytes of the pages that a generation takes.</summary>
    public long BytesOf(Generation generation) => generation.Directory.PageCount * memory.PageBytes;

    /// <summary>Gives pages to a generation in the host store that has none, and begins to fill them. Room has been made before.</summary>
    public void BeginCopy(Generation generation)
    {
        if (generation is not { Resident: null, IsPagingIn: false })
        {
            return;
        }

        int count = generation.Directory.PageCount;
        if (!pool.TryReserve(count))
        {
            throw new InvalidOperationException("No room has been made for the generation.");
        }

        var pages = new int[count];
        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = pool.TakeReserved();
        }

        OwnedPages += count;
        generation.Copy = new PageCopy(generation.Image!, pages, memory) { Begun = clock.GetTimestamp() };
        _pagingIn.Add(generation);
    }

    /// <summary>
    /// Gives pages to a generation that a waiting request wants, as far as there are pages that nobody was promised or that hold
    /// generations nobody waits for.
    /// </summary>
    /// <returns>False when there are too few.</returns>
    public bool TryPrefetch(Generation generation)
    {
        int missing = generation.Directory.PageCount - pool.Available;
        if (missing > 0 && Sum(static other => other is { IsIdle: true, Leases: 0 }) < missing)
        {
            return false;
        }

        while (pool.Available < generation.Directory.PageCount)
        {
            Evict(LeastIdle(leased: false)!);
        }

        BeginCopy(generation);
        return true;
    }

    /// <summary>
    /// Copies the next bytes, for what running requests need before what is only prefetched. No step is under way meanwhile, so nothing
    /// reads what was in the pages before; a generation is resident when its last byte is in its page, which may be steps later.
    /// </summary>
    /// <param name="bytes">The most bytes to copy.</param>
    /// <returns>How many were copied.</returns>
    public long PageIn(long bytes)
    {
        if (_pagingIn.Count == 0)
        {
            return 0;
        }

        // What was written before this call first: it need not wait for what is written below.
        TakeLanded();
        long left = bytes;
        left -= Advance(left, areNeeded: true);
        left -= Advance(left, areNeeded: false);
        TakeLanded();
        return bytes - left;
    }

    /// <summary>Waits for what has been handed over and is not in its pages yet.</summary>
    /// <returns>Whether a generation has become resident.</returns>
    public bool TryFinishCopies()
    {
        bool any = false;
        for (int i = 0; i < _pagingIn.Count; i++)
        {
            any |= _pagingIn[i].Copy!.IsHandedOver;
        }

        if (!any)
        {
            return false;
        }

        memory.Settle();
        return TakeLanded();
    }

    /// <summary>Takes the pages of an idle generation, complete or not.</summary>
    /// <param name="generation">The generation.</param>
    /// <param name="keepsContent">Whether its bytes may be wanted again.</param>
    public void Evict(Generation generation, bool keepsContent = true)
    {
        int[] pages = generation.Copy?.Pages ?? generation.Resident!.Pages;
        if (generation.Copy is null)
        {
            if (keepsContent && generation.Image is null)
            {
                store.ReadBack(generation);
            }

            _counters = _counters with { Evictions = _counters.Evictions + 1 };
            generation.Evicted();
            _resident.Remove(generation);
        }
        else
        {
            // Bytes that came later would overwrite what others keep there.
            memory.Settle();
            generation.Copy = null;
            _pagingIn.Remove(generation);
        }

        foreach (int page in pages)
        {
            pool.Release(page);
        }

        OwnedPages -= pages.Length;
    }

    /// <summary>Takes the pages of every idle generation.</summary>
    public void EvictIdle()
    {
        while (LeastIdle(leased: true) is { } generation)
        {
            Evict(generation);
        }
    }

    /// <summary>
    /// What keeping a generation is worth, per page: what bringing a page of it back costs, in bytes copied in main memory, times its uses
    /// per second. A generation that a request waits for is worth more than anything that nobody waits for.
    /// </summary>
    public double WorthOf(Generation generation)
    {
        double cost = generation.Image is not null || memory.IsMainMemory ? 1 : DiskCost;
        return (cost * memory.PageBytes * generation.Use.Rate(clock.GetTimestamp(), clock)) + (generation.Leases > 0 ? WaitedFor : 0);
    }

    private bool TakeLanded()
    {
        int kept = 0;
        for (int i = 0; i < _pagingIn.Count; i++)
        {
            Generation generation = _pagingIn[i];
            if (!generation.Copy!.IsComplete())
            {
                _pagingIn[kept++] = generation;
                continue;
            }

            int[] pages = generation.Copy.Pages;
            TimeSpan duration = clock.GetElapsedTime(generation.Copy.Begun);
            generation.PagedIn(pages);
            _resident.Add(generation);
            pagedIn(duration);
            _counters = _counters with
            {
                PageIns = _counters.PageIns + 1,
                PageInBytes = _counters.PageInBytes + (pages.Length * memory.PageBytes),
                PageInTime = _counters.PageInTime + duration,
            };
        }

        bool any = kept < _pagingIn.Count;
        _pagingIn.RemoveRange(kept, _pagingIn.Count - kept);
        return any;
    }

    private long Advance(long bytes, bool areNeeded)
    {
        long left = bytes;
        for (int i = 0; i < _pagingIn.Count && left > 0; i++)
        {
            Generation generation = _pagingIn[i];
            left -= !generation.IsIdle == areNeeded ? generation.Copy!.Advance(left) : 0;
        }

        return bytes - left;
    }

    private int Sum(Func<Generation, bool> counts)
    {
        int pages = 0;
        for (int i = 0; i < _resident.Count; i++)
        {
            pages += counts(_resident[i]) ? _resident[i].Directory.PageCount : 0;
        }

        for (int i = 0; i < _pagingIn.Count; i++)
        {
            pages += counts(_pagingIn[i]) ? _pagingIn[i].Directory.PageCount : 0;
        }

        return pages;
    }

    private Generation? LeastIdle(bool leased)
    {
        Generation? least = null;
        double leastWorth = 0;
        Look(_resident);
        Look(_pagingIn);
        return least;

        void Look(List<Generation> generations)
        {
            for (int i = 0; i < generations.Count; i++)
            {
                Generation generation = generations[i];
                if (!generation.IsIdle || (!leased && generation.Leases > 0))
                {
                    continue;
                }

                double worth = WorthOf(generation);
                if (least is null || worth < leastWorth || (worth == leastWorth && generation.Use.Order < least.Use.Order))
                {
                    (least, leastWorth) = (generation, worth);
                }
            }
        }
    }
}
