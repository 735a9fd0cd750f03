using FsCheck;
using NUnit.Framework;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Pool;

/// <summary>The cache alone: pages of two tokens over small alphabets, so that sequences meet and part all the time.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PrefixCacheTests
{
    private const int PageTokens = 2;

    private static readonly PrefixOrigin Base = new([], null);
    private static readonly PrefixOrigin Adapter = new([new PrefixPart(1, 2, 3)], null);

    [Test]
    public void Full_pages_stay_after_their_sequence_and_are_found_by_the_next()
    {
        var pool = new PagePool(8);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock());
        PageTable first = Computed(pool, cache, Base, [1, 2, 3, 4, 5]);
        int[] pages = [.. first.Pages];
        first.Release();

        var second = new PageTable(pool, new TableShape(PageTokens), cache, 16);
        int found = second.TakePrefix(Base, [1, 2, 3, 4, 9, 9], 6);

        Assert.That(found, Is.EqualTo(4));
        Assert.That(second.Pages.ToArray(), Is.EqualTo(pages[..2]));
        Assert.That(cache.IdlePageCount, Is.Zero);
        second.Release();
        cache.Clear();
        Assert.That(pool.Free, Is.EqualTo(8));
    }

    [Test]
    public void Nothing_is_found_under_another_origin_or_beyond_the_limit()
    {
        var pool = new PagePool(8);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock());
        Computed(pool, cache, Base, [1, 2, 3, 4]).Release();

        Assert.Multiple(() =>
        {
            Assert.That(Found(pool, cache, Adapter, [1, 2, 3, 4], 4), Is.Zero);
            Assert.That(Found(pool, cache, new PrefixOrigin([], "salt"), [1, 2, 3, 4], 4), Is.Zero);
            Assert.That(Found(pool, cache, new PrefixOrigin([], ""), [1, 2, 3, 4], 4), Is.Zero);
            Assert.That(Found(pool, cache, Base, [1, 2, 3, 4], 3), Is.EqualTo(2));
            Assert.That(Found(pool, cache, new PrefixOrigin([], null), [1, 2, 3, 4], 4), Is.EqualTo(4));
        });
    }

    [Test]
    public void Origins_differ_by_every_part_and_by_their_order()
    {
        PrefixPart a = new(1, 2, 3);
        PrefixPart b = new(1, 3, 3);
        PrefixOrigin[] origins =
        [
            new([], null), new([], ""), new([], "a"), new([a], null), new([b], null), new([a, b], null), new([b, a], null),
            new([a, a], null),
            new([a with { High = 9 }], null), new([a with { WeightBits = 4 }], null), new([a], "a"),
        ];

        Assert.That(origins.Select(origin => origin.Hash).Distinct().Count(), Is.EqualTo(origins.Length));
        Assert.That(origins.Distinct().Count(), Is.EqualTo(origins.Length));
    }

    [Test]
    public void Equal_hashes_of_different_pages_never_serve_the_wrong_one()
    {
        var pool = new PagePool(16);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock(), (_, _) => 7);
        PageTable first = Computed(pool, cache, Base, [1, 2, 3, 4]);
        PageTable other = Computed(pool, cache, Base, [5, 6, 7, 8]);
        PageTable elsewhere = Computed(pool, cache, Adapter, [1, 2, 3, 4]);

        Assert.That(cache.Count, Is.EqualTo(1));
        Assert.That(Found(pool, cache, Base, [1, 2, 3, 4], 4), Is.EqualTo(2));
        Assert.That(Found(pool, cache, Base, [5, 6, 7, 8], 4), Is.Zero);
        Assert.That(Found(pool, cache, Adapter, [1, 2, 3, 4], 4), Is.Zero);
        Assert.That(first.Pages.ToArray().Concat(other.Pages.ToArray()).Concat(elsewhere.Pages.ToArray()).Distinct()
            .Count(), Is.EqualTo(6));
    }

    [Test]
    public void Two_who_compute_the_same_at_once_end_with_one_copy()
    {
        var pool = new PagePool(8);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock());
        PageTable first = Empty(pool, cache, Base, [1, 2, 3, 4]);
        PageTable second = Empty(pool, cache, Base, [1, 2, 3, 4]);
        Compute(first, [1, 2, 3, 4]);
        Compute(second, [1, 2, 3, 4]);

        Assert.That(second.Pages.ToArray(), Is.EqualTo(first.Pages.ToArray()));
        Assert.That(pool.Owned, Is.EqualTo(2));
        first.Release();
        Assert.That(cache.IdlePageCount, Is.Zero);
        second.Release();
        Assert.That(cache.IdlePageCount, Is.EqualTo(2));
    }

    [Test]
    public void Leaves_go_first_and_a_shared_trunk_outlives_a_branch_that_nobody_came_back_to()
    {
        var clock = new ManualClock();
        var pool = new PagePool(16);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), clock);
        Computed(pool, cache, Base, [1, 2, 3, 4]).Release();
        clock.Advance(TimeSpan.FromSeconds(1));
        PageTable again = Empty(pool, cache, Base, [1, 2, 9, 9]);
        again.Admitted(4);
        Compute(again, [1, 2, 9, 9]);
        again.Release();
        clock.Advance(TimeSpan.FromSeconds(1));
        Computed(pool, cache, Base, [7, 7]).Release();

        double least = cache.LeastWorth;
        cache.GiveUpLeast();
        Assert.That(Found(pool, cache, Base, [1, 2, 3, 4], 4), Is.EqualTo(2), "the oldest leaf has gone");
        cache.GiveUpLeast();
        Assert.That(Found(pool, cache, Base, [1, 2, 9, 9], 4), Is.EqualTo(2), "then the next");
        cache.GiveUpLeast();
        Assert.That(Found(pool, cache, Base, [7, 7], 2), Is.Zero, "then a page of its own that was never shared");
        Assert.That(cache.LeastWorth, Is.GreaterThan(least));
        cache.GiveUpLeast();
        Assert.That(cache.Count, Is.Zero);
        Assert.That(cache.LeastWorth, Is.EqualTo(double.PositiveInfinity));
    }

    [Test]
    public void Dropping_a_content_drops_every_chain_that_it_took_part_in()
    {
        var pool = new PagePool(16);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock());
        PrefixOrigin both = new([new PrefixPart(5, 5, 5), new PrefixPart(1, 2, 9)], null);
        Computed(pool, cache, Base, [1, 2]).Release();
        Computed(pool, cache, Adapter, [1, 2, 3, 4]).Release();
        Computed(pool, cache, Adapter, [1, 2, 5, 5]).Release();
        Computed(pool, cache, both, [1, 2]).Release();

        cache.Drop(1, 2);

        Assert.That(cache.Count, Is.EqualTo(1));
        Assert.That(Found(pool, cache, Base, [1, 2], 2), Is.EqualTo(2));
        Assert.That(pool.Owned, Is.EqualTo(1));
    }

    [Test]
    public void Keeping_finding_and_giving_up_pages_allocates_nothing()
    {
        var pool = new PagePool(64);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock());
        int[] tokens = [1, 2, 3, 4, 5, 6, 7, 8];
        PageTable table = Empty(pool, cache, Base, tokens);
        long Round()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            table.TakePrefix(Base, tokens, tokens.Length - 1);
            table.TryReserve(tokens.Length);
            table.Admitted(tokens.Length);
            table.Extend(tokens.Length);
            table.Keep(tokens);
            table.Release();
            cache.GiveUpLeast();
            cache.Clear();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        table.Release();
        for (int warmUp = 0; warmUp < 3; warmUp++)
        {
            Round();
        }

        Assert.That(Round(), Is.Zero);
    }

    /// <summary>Random sequences over an alphabet of two tokens against a model that keeps strings.</summary>
    [SeededProperty(MaxTest = 200)]
    public void Any_history_finds_what_the_model_has(NonEmptyArray<ushort> history)
    {
        const int Pages = 24;
        var pool = new PagePool(Pages);
        var cache = new PrefixCache(pool, new TableShape(PageTokens), new ManualClock());
        var reclaim = new Reclaim(pool, cache);
        var open = new List<(PageTable Table, int[] Tokens)>();
        foreach (ushort call in history.Get)
        {
            PrefixOrigin origin = call % 3 == 0 ? Base : Adapter;
            int[] tokens = [.. Enumerable.Range(0, 1 + (call >> 4) % 10).Select(i => (call >> (5 + i)) & 1)];
            switch (call % 4)
            {
                case 0 or 1:
                    int known = Known(cache, origin, tokens);
                    var table = new PageTable(pool, new TableShape(PageTokens), cache, 16);
                    Assert.That(table.TakePrefix(origin, tokens, tokens.Length - 1),
                        Is.EqualTo(Math.Min(known, (tokens.Length - 1) / PageTokens) * PageTokens));
                    if (!reclaim.TryMakeRoom(table.Missing(tokens.Length)))
                    {
                        table.Release();
                        break;
                    }

                    Assert.That(table.TryReserve(tokens.Length), Is.True);
                    table.Admitted(tokens.Length);
                    Compute(table, tokens);
                    open.Add((table, tokens));
                    Assert.That(Known(cache, origin, tokens), Is.EqualTo(tokens.Length / PageTokens), "all full pages are kept");
                    break;
                case 2 when open.Count > 0:
                    open[call % open.Count].Table.Release();
                    open.RemoveAt(call % open.Count);
                    break;
                default:
                    reclaim.TryMakeRoom(Math.Min(pool.Total, pool.Available + 1));
                    break;
            }

            foreach ((PageTable table, int[] held) in open)
            {
                Assert.That(table.Pages.ToArray().All(page => pool.OwnersOf(page) > 0), Is.True);
            }

            int idle = cache.Snapshot().Count(kept => pool.OwnersOf(kept.Page) == 1);
            Assert.That(cache.IdlePageCount, Is.EqualTo(idle));
            Assert.That(cache.Snapshot()
                .All(kept => kept.Parent == -1 || cache.Snapshot().Any(parent => parent.Page == kept.Parent)), Is.True);
            Assert.That(cache.IdlePageCount > 0, Is.EqualTo(!double.IsInfinity(cache.LeastWorth)), "whatever is idle can be given up");
        }

        foreach ((PageTable table, _) in open)
        {
            table.Release();
        }

        cache.Clear();
        Assert.That(pool.Free, Is.EqualTo(Pages));
    }

    /// <summary>Full pages of these tokens that are kept, found the slow way.</summary>
    private static int Known(PrefixCache cache, PrefixOrigin origin, int[] tokens)
    {
        int last = -1;
        for (int page = 0; page < tokens.Length / PageTokens; page++)
        {
            int[] wanted = tokens[(page * PageTokens)..((page + 1) * PageTokens)];
            int[] next = [.. cache.Snapshot()
                .Where(kept => kept.Parent == last && kept.Origin.Equals(origin) && cache.TokensOf(kept.Page).SequenceEqual(wanted))
                .Select(kept => kept.Page)];
            if (next.Length == 0)
            {
                return page;
            }

            last = next.Single();
        }

        return tokens.Length / PageTokens;
    }

    private static int Found(PagePool pool, PrefixCache cache, PrefixOrigin origin, int[] tokens, int limit)
    {
        var table = new PageTable(pool, new TableShape(PageTokens), cache, 16);
        int found = table.TakePrefix(origin, tokens, limit);
        table.Release();
        return found;
    }

    private static PageTable Computed(PagePool pool, PrefixCache cache, PrefixOrigin origin, int[] tokens)
    {
        PageTable table = Empty(pool, cache, origin, tokens);
        Compute(table, tokens);
        return table;
    }

    private static PageTable Empty(PagePool pool, PrefixCache cache, PrefixOrigin origin, int[] tokens)
    {
        var table = new PageTable(pool, new TableShape(PageTokens), cache, 16);
        table.TakePrefix(origin, tokens, tokens.Length - 1);
        Assert.That(table.TryReserve(tokens.Length), Is.True);
        return table;
    }

    private static void Compute(PageTable table, int[] tokens)
    {
        table.Extend(tokens.Length);
        table.Keep(tokens);
    }
}
