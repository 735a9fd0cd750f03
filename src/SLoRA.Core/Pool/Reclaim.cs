using System.Collections.Immutable;

namespace SLoRA.Pool;

/// <summary>Takes pages back from those who keep them idle, in one order over all of them: what is worth least goes first. Belongs to the engine's thread.</summary>
internal sealed class Reclaim(PagePool pool, params ImmutableArray<IIdlePages> keepers)
{
    /// <summary>Makes so many pages available, or gives up nothing when that cannot be reached.</summary>
    public bool TryMakeRoom(int pages)
    {
        int reachable = pool.Available;
        foreach (IIdlePages keeper in keepers)
        {
            reachable += keeper.IdlePageCount;
        }

        if (reachable < pages)
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
