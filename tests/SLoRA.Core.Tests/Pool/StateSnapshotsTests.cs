using NUnit.Framework;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Pool;

/// <summary>Copies of states in the cache: pages of two tokens, three of states.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StateSnapshotsTests
{
    private const int Pages = 16;

    private static readonly PrefixOrigin Base = new([], null);
    private static readonly TableShape Shape = new(pageTokens: 2, statePages: 3);
    private static readonly int[] Tokens = [1, 2, 3, 4, 5];

    [Test]
    public void States_go_to_pages_of_the_cache_and_from_there_to_those_of_the_next()
    {
        var copies = new List<(int From, int To)>();
        var (pool, cache) = Make((from, to) => copies.Add((from, to)));
        PageTable first = Computed(pool, cache);
        int[] states = first.StatePages.ToArray();
        first.KeepStates(4, Tokens.Length);
        Assert.That(copies.Select(copy => copy.From), Is.EqualTo(states));
        int[] kept = [.. copies.Select(copy => copy.To)];
        first.Release();

        copies.Clear();
        PageTable second = Continued(pool, cache);
        second.BringBackStates();
        Assert.That(copies, Is.EqualTo(kept.Zip(second.StatePages.ToArray())));
        second.Release();
        AssertNothingHeld(pool, cache);
    }

    [TestCase(0)]
    [TestCase(2)]
    public void A_copy_that_fails_while_states_are_kept_leaves_no_page_behind(int copiesBefore)
    {
        var (pool, cache) = Make((_, _) =>
        {
            if (copiesBefore-- == 0)
            {
                throw new IOException("The device is gone.");
            }
        });
        PageTable table = Computed(pool, cache);
        int available = pool.Available;
        Assert.That(() => table.KeepStates(4, Tokens.Length), Throws.TypeOf<IOException>());
        Assert.That((pool.Available, cache.Count, cache.IdlePageCount), Is.EqualTo((available, 2, 0)));
        table.Release();
        AssertNothingHeld(pool, cache);
    }

    [TestCase(0)]
    [TestCase(2)]
    public void A_copy_that_fails_while_states_come_back_leaves_no_page_behind(int copiesBefore)
    {
        copiesBefore += Shape.StatePages;
        var (pool, cache) = Make((_, _) =>
        {
            if (copiesBefore-- == 0)
            {
                throw new IOException("The device is gone.");
            }
        });
        PageTable first = Computed(pool, cache);
        first.KeepStates(4, Tokens.Length);
        first.Release();
        PageTable second = Continued(pool, cache);
        Assert.That(second.BringBackStates, Throws.TypeOf<IOException>());
        second.Release();
        AssertNothingHeld(pool, cache);
    }

    private static (PagePool Pool, PrefixCache Cache) Make(Action<int, int> copy)
    {
        var pool = new PagePool(Pages);
        return (pool, new PrefixCache(pool, Shape, new ManualClock(), copy: copy));
    }

    /// <summary>A sequence whose first two blocks are computed and kept, its states not yet.</summary>
    private static PageTable Computed(PagePool pool, PrefixCache cache)
    {
        var table = new PageTable(pool, Shape, cache, Tokens.Length);
        Assert.That(table.TakePrefix(Base, Tokens, 4), Is.Zero);
        Assert.That(table.TryReserve(Tokens.Length), Is.True);
        table.Extend(4);
        table.Keep(Tokens.AsSpan(0, 4));
        return table;
    }

    /// <summary>A sequence that goes on from them.</summary>
    private static PageTable Continued(PagePool pool, PrefixCache cache)
    {
        var table = new PageTable(pool, Shape, cache, Tokens.Length);
        Assert.That(table.TakePrefix(Base, Tokens, 4), Is.EqualTo(4));
        Assert.That(table.TryReserve(Tokens.Length), Is.True);
        return table;
    }

    private static void AssertNothingHeld(PagePool pool, PrefixCache cache)
    {
        cache.Clear();
        Assert.That((pool.Free, pool.Reserved, cache.Count, cache.IdlePageCount), Is.EqualTo((Pages, 0, 0, 0)));
    }
}
