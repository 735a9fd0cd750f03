using System.Collections.Immutable;

namespace SLoRA.Pool;

/// <summary>
/// Takes pages back from those who keep them idle, in one order over all of them: what is worth least goes first. Belongs to the engine's
/// thread.
/// </summary>
internal sealed class Reclaim(PagePool pool, params ImmutableArray<IIdlePages> keepers)
{
    /// <summary>Pages that can be made available.</summary>
    public int Reachable
    {
        get
        {
            int reachable = pool.Available;
            foreach (IIdlePages keeper in keepers)
            {
                reachable += keeper.IdlePageCount;
            }

            return reachable;
        }
    }

    /// <summary>Makes so many pages available, or gives up nothing when that cannot be reached.</summary>
    /// <param name="pages">Pages to make available.</param>
    /// <param name="headroom">Pages that must be within reach besides, though nothing is given up for them.</param>
    public bool TryMakeRoom(int pages, int headroom = 0)
    {
        if (pages + headroom > pool.Available && Reachable < pages + headroom)
        {
            return false;
        }

        while (pool.Available < pages)
        {
            Cheapest().GiveUpLeast();
        }

        return true;
    }

    private IIdlePages Cheapest()
    {
        IIdlePages cheapest = keepers[0];
        for (int i = 1; i < keepers.Length; i++)
        {
            cheapest = keepers[i].LeastWorth < cheapest.LeastWorth ? keepers[i] : cheapest;
        }

        return cheapest;
    }
}
