using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Says which requests could never have all their pages at once, those of their adapters included. Belongs to the engine's thread.
/// </summary>
/// <param name="pool">The pages.</param>
/// <param name="cache">Generations in pages.</param>
internal sealed class PageDemand(PagePool pool, DeviceCache cache)
{
    /// <summary>Refuses a request that could never have all its pages at once.</summary>
    /// <param name="cachePages">Pages for what is kept of its sequences.</param>
    /// <param name="adapters">Its adapters.</param>
    /// <exception cref="RequestTooLargeException">It needs more pages than there are beside those of other adapters that are
    /// pinned.</exception>
    public void RequireFits(int cachePages, ImmutableArray<BoundAdapter> adapters)
    {
        if (RefusalOf(cachePages, adapters) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Why a waiting sequence could never have all its pages at once; null when it can.</summary>
    public RequestTooLargeException? RefusalOf(Sequence sequence) =>
        RefusalOf(WaitingNeeds.CachePages(sequence), sequence.Request.Adapters);

    private RequestTooLargeException? RefusalOf(int cachePages, ImmutableArray<BoundAdapter> adapters)
    {
        int adapterPages = adapters.Select(adapter => adapter.Registration).Distinct().Sum(registration => registration.PageCount);
        int pinned = cache.PinnedPages - adapters.Select(adapter => adapter.Registration.Generation).Distinct()
            .Sum(generation => generation is { Pins: > 0 } ? generation.Directory.PageCount : 0);
        return cachePages + adapterPages + pinned > pool.Total
            ? new RequestTooLargeException(cachePages, adapterPages, pinned, pool.Total)
            : null;
    }
}
