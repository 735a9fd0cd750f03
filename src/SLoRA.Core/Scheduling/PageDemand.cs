using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// How many pages requests need, those of their adapters included, beside how many there can ever be for them. Belongs to the engine's
/// thread.
/// </summary>
/// <param name="pool">The pages.</param>
/// <param name="cache">Generations in pages.</param>
/// <param name="queue">Who waits.</param>
internal sealed class PageDemand(PagePool pool, DeviceCache cache, WaitingQueue queue)
{
    /// <summary>No waiting request needs more pages; it may be that none needs so many.</summary>
    private int _mostNeeded;

    /// <summary>A sequence has come to wait, or the size of one of its adapters has become known.</summary>
    public void Note(Sequence sequence) => _mostNeeded = Math.Max(_mostNeeded, PagesNeeded(sequence, null));

    /// <summary>Refuses a request that could never have all its pages at once.</summary>
    /// <param name="cachePages">Pages for keys and values.</param>
    /// <param name="leases">Its adapters.</param>
    /// <exception cref="RequestTooLargeException">It needs more pages than there are beside those of other adapters that are
    /// pinned.</exception>
    public void RequireFits(int cachePages, ImmutableArray<Lease> leases)
    {
        if (RefusalOf(cachePages, leases) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Why a waiting sequence could never have all its pages at once; null when it can.</summary>
    public RequestTooLargeException? RefusalOf(Sequence sequence) => RefusalOf(CachePages(sequence), sequence.Request.Leases);

    /// <summary>The most pages that a waiting request needs, those of one generation not counted, nor those of pinned ones.</summary>
    /// <param name="pinned">The generation.</param>
    /// <param name="left">Pages that are left for them: what is not more need not be exact, and then nobody is asked one by one.</param>
    public int PagesNeededBeside(Generation pinned, int left)
    {
        if (_mostNeeded <= left)
        {
            return _mostNeeded;
        }

        int most = 0;
        _mostNeeded = 0;
        foreach (Sequence sequence in queue.InOrder())
        {
            most = Math.Max(most, PagesNeeded(sequence, pinned));
            _mostNeeded = Math.Max(_mostNeeded, PagesNeeded(sequence, null));
        }

        return most;
    }

    private RequestTooLargeException? RefusalOf(int cachePages, ImmutableArray<Lease> leases)
    {
        int adapterPages = leases.Select(lease => lease.Registration).Distinct().Sum(registration => registration.PageCount);
        int pinned = cache.PinnedPages - leases.Select(lease => lease.Generation).Distinct()
            .Sum(generation => generation is { Pins: > 0 } ? generation.Directory.PageCount : 0);
        return cachePages + adapterPages + pinned > pool.Total
            ? new RequestTooLargeException(cachePages, adapterPages, pinned, pool.Total)
            : null;
    }

    /// <summary>
    /// Pages that a waiting sequence needs, those of a generation that is to be pinned and of pinned ones not counted; null for all.
    /// </summary>
    private static int PagesNeeded(Sequence sequence, Generation? pinned)
    {
        ImmutableArray<Lease> leases = sequence.Request.Leases;
        int pages = CachePages(sequence);
        for (int i = 0; i < leases.Length; i++)
        {
            AdapterRegistration registration = leases[i].Registration;
            bool counts = pinned is null || registration.Generation is not { } own || (own.Pins == 0 && !ReferenceEquals(own, pinned));
            for (int j = 0; counts && j < i; j++)
            {
                counts = !ReferenceEquals(leases[j].Registration, registration);
            }

            pages += counts ? registration.PageCount : 0;
        }

        return pages;
    }

    private static int CachePages(Sequence sequence) =>
        sequence.Table.PagesFor(sequence.CacheTokens, sequence.PendingForks, sequence.PromptLength);
}
