using FsCheck;
using NUnit.Framework;
using SLoRA.Pool;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Pool;

/// <summary>Page tables of models whose layers see the last positions only: blocks of two tokens, steps of up to three rows.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class WindowPagesTests
{
    private const int PageTokens = 2;
    private const int MaxRows = 3;

    private static readonly PrefixOrigin Base = new([], null);
    private static readonly TableShape Window = new(PageTokens, groups: [new Sight(4)], maxRows: MaxRows);

    [TestCase(4, 1, 3, Description = "positions 1 to 4, at worst")]
    [TestCase(4, 3, 4, Description = "positions 1 to 6")]
    [TestCase(1, 1, 1)]
    [TestCase(1, 2, 2)]
    [TestCase(5, 4, 5, Description = "positions 1 to 8")]
    public void As_many_blocks_are_needed_at_once_as_so_many_positions_can_touch(int window, int rows, int blocks) =>
        Assert.That(new TableShape(PageTokens, groups: [new Sight(window)], maxRows: rows).MostBlocks(0), Is.EqualTo(blocks));

    [TestCase(4, 2, Description = "never so long that anything is let go")]
    [TestCase(5, 3)]
    [TestCase(8, 4)]
    [TestCase(1000, 4)]
    public void A_sequence_needs_no_more_pages_however_long_it_is(int tokens, int pages)
    {
        Assert.That(Window.PagesFor(tokens), Is.EqualTo(pages));
        Assert.That(new PageTable(new PagePool(8), Window, null, tokens).PagesFor(tokens), Is.EqualTo(pages));
    }

    [Test]
    public void Pages_go_back_and_are_promised_again_until_no_more_can_come()
    {
        var pool = new PagePool(8);
        var table = new PageTable(pool, Window, null, 12);
        Assert.That((table.TryReserve(12), table.Reserved), Is.EqualTo((true, 4)));
        table.Extend(3);
        table.Pass(3);
        Assert.That((table.Held(0).Length, table.Reserved), Is.EqualTo((2, 2)), "positions 0 to 2 are seen from position 3");
        table.Extend(6);
        table.Pass(6);
        Assert.That((table.FirstBlock(0), table.Held(0).Length, table.Reserved), Is.EqualTo((1, 2, 2)), "position 6 sees 3 to 6");
        Assert.That((table.PageAt(0, 0), pool.Owned), Is.EqualTo((-1, 2)));
        table.Extend(9);
        table.Pass(9);
        Assert.That((table.FirstBlock(0), table.Held(0).Length, table.Reserved), Is.EqualTo((3, 2, 1)), "one more block is to come");
        table.Release();
        Assert.That((pool.Free, pool.Reserved), Is.EqualTo((8, 0)));
    }

    [Test]
    public void Groups_pass_at_their_own_pace()
    {
        var pool = new PagePool(32);
        var table = new PageTable(pool, new TableShape(PageTokens, groups: [default, new(4), new(null, 6)], maxRows: MaxRows), null, 16);
        table.TryReserve(16);
        for (int tokens = 2; tokens <= 14; tokens += 2)
        {
            table.Extend(tokens);
            table.Pass(tokens);
        }

        // The row at position 14 sees 11 and later, and of chunks of six those from 12 on.
        Assert.That((table.FirstBlock(0), table.FirstBlock(1), table.FirstBlock(2)), Is.EqualTo((0, 5, 6)));
        Assert.That((table.Held(0).Length, table.Held(1).Length, table.Held(2).Length), Is.EqualTo((7, 2, 1)));
        Assert.That((table.PageCount, table.Reserved, pool.Owned), Is.EqualTo((10, 3, 10)));
        table.Release();
        Assert.That((pool.Free, pool.Reserved), Is.EqualTo((32, 0)));
    }

    /// <summary>Two that share a page and both let it go: the first gets its promise back although the page is not free.</summary>
    [Test]
    public void Who_lets_go_what_another_still_has_gets_the_promise_that_was_set_aside()
    {
        var pool = new PagePool(10);
        var cache = new PrefixCache(pool, Window, new ManualClock());
        int[] tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3];
        var first = new PageTable(pool, Window, cache, 12);
        first.TakePrefix(Base, tokens, 11);
        Assert.That(first.TryReserve(12), Is.True);
        Compute(first, tokens, 4);

        var second = new PageTable(pool, Window, cache, 12);
        Assert.That(second.TakePrefix(Base, tokens, 11), Is.EqualTo(4));
        Assert.That(second.Missing(12), Is.EqualTo(4), "two pages, and two promises for the first to let them go");
        Assert.That(second.TryReserve(12), Is.True);
        Assert.That((pool.Windows.SetAside, first.Reserved, second.Reserved, pool.Reserved), Is.EqualTo((2, 2, 2, 6)));

        Compute(first, tokens, 6);
        Assert.That((pool.Windows.SetAside, first.Reserved, first.Held(0).Length), Is.EqualTo((1, 2, 2)));
        Compute(second, tokens, 6);
        Assert.That((pool.Windows.SetAside, second.Reserved), Is.EqualTo((2, 2)), "it has joined the first's third page");
        first.Release();
        second.Release();
        Assert.That((pool.Windows.SetAside, pool.Reserved), Is.EqualTo((0, 0)));
        cache.Clear();
        Assert.That((pool.Free, cache.Count), Is.EqualTo((10, 0)));
    }

    [Test]
    public void A_prefix_is_of_use_as_long_as_what_is_seen_behind_it_is_there()
    {
        var shape = new TableShape(PageTokens, groups: [default, new(4)], maxRows: MaxRows);
        var pool = new PagePool(20);
        var cache = new PrefixCache(pool, shape, new ManualClock());
        int[] tokens = [1, 2, 3, 4, 5, 6, 7, 8];
        var first = new PageTable(pool, shape, cache, 9);
        first.TakePrefix(Base, tokens, 7);
        first.TryReserve(9);
        Compute(first, tokens, 8);
        Assert.That((first.FirstBlock(1), cache.IdlePageCount), Is.EqualTo((2, 2)), "position 8 sees 5 to 8");

        // What was let go is the cheapest, the earliest first.
        cache.GiveUpLeast();
        Assert.That(Found(), Is.EqualTo(8), "block 0 of the window is not seen from position 8");
        cache.GiveUpLeast();
        Assert.That(cache.IdlePageCount, Is.Zero);
        Assert.That(Found(7), Is.Zero, "positions 3 to 5, which position 6 sees, are not all there, nor those before 4 and 2");
        Assert.That(Found(), Is.EqualTo(8));
        first.Release();
        Assert.That(Found(), Is.EqualTo(8));
        cache.Clear();
        Assert.That((pool.Free, cache.Count), Is.EqualTo((20, 0)));

        int Found(int limit = 8)
        {
            var table = new PageTable(pool, shape, cache, 20);
            int found = table.TakePrefix(Base, [.. tokens, 9], limit);
            table.Release();
            return found;
        }
    }

    [Test]
    public void What_was_given_up_is_kept_again_by_whoever_computes_it_again()
    {
        var pool = new PagePool(12);
        var cache = new PrefixCache(pool, Window, new ManualClock());
        int[] tokens = [1, 2, 3, 4, 5, 6, 7, 8];
        Sequence(8).Release();
        while (cache.Count > 2)
        {
            cache.GiveUpLeast();
        }

        PageTable again = Sequence(4);
        Assert.That(cache.Count, Is.EqualTo(4), "the first two blocks have pages again, the last two have kept theirs");
        again.Release();
        Assert.That(Sequence(8, taken: 8), Is.Not.Null);

        PageTable Sequence(int length, int taken = 0)
        {
            var table = new PageTable(pool, Window, cache, 20);
            Assert.That(table.TakePrefix(Base, tokens, taken), Is.EqualTo(taken));
            Assert.That(table.TryReserve(length), Is.True);
            Compute(table, tokens, length, from: taken);
            return table;
        }
    }

    /// <summary>
    /// Sequences of two letters that meet and part in a small pool, of every kind of layers, with and without states: whoever is admitted
    /// finds every page that it was promised, and the books add up after every call.
    /// </summary>
    [SeededProperty(MaxTest = 300)]
    public void Whoever_is_admitted_finds_every_page(NonEmptyArray<ushort> history, byte kind)
    {
        Sight[][] kinds = [[new(4)], [new(null, 6)], [default, new(3)], [default, new(4), new(null, 4)], [new(7), new(2)]];
        Sight[] groups = kinds[kind % kinds.Length];

        // Copies of states are kept with blocks of layers that see everything.
        int states = Array.Exists(groups, group => !group.IsBounded) ? kind / kinds.Length % 3 : 0;
        var shape = new TableShape(PageTokens, states, [.. groups], MaxRows);
        var pool = new PagePool(24);
        var cache = new PrefixCache(pool, shape, new ManualClock(), copy: (_, _) => { });
        var reclaim = new Reclaim(pool, cache);
        var open = new List<Running>();
        foreach (ushort call in history.Get)
        {
            int[] tokens = [.. Enumerable.Range(0, 1 + ((call >> 4) % 16)).Select(i => (call >> (i % 7)) & 1)];
            switch (call % 5)
            {
                case 0:
                    Admit(tokens);
                    break;
                case 1 when open.Count > 0:
                    open[call % open.Count].Table.Release();
                    open.RemoveAt(call % open.Count);
                    break;
                case 2:
                    reclaim.TryMakeRoom(Math.Min(pool.Total, pool.Available + 1));
                    break;
                default:
                    for (int i = 0; i < open.Count; i++)
                    {
                        Advance(open[i], 1 + ((call + i) % MaxRows));
                    }

                    break;
            }

            AssertBooks();
        }

        // Nothing is promised that is not there: all go on to their ends.
        while (open.Exists(one => one.Computed < one.Tokens.Length))
        {
            for (int i = 0; i < open.Count; i++)
            {
                Advance(open[i], MaxRows);
            }

            AssertBooks();
        }

        open.ForEach(one => one.Table.Release());
        cache.Clear();
        Assert.That((pool.Free, pool.Reserved, pool.Windows.SetAside, cache.Count), Is.EqualTo((24, 0, 0, 0)));

        void Admit(int[] tokens)
        {
            int forks = tokens.Length > 6 ? tokens.Length % 2 : 0;
            int prompt = Math.Max(1, tokens.Length / 2);
            var table = new PageTable(pool, shape, cache, tokens.Length);
            int taken = table.TakePrefix(Base, tokens, prompt - 1);
            if (!reclaim.TryMakeRoom(table.Missing(tokens.Length, forks, prompt)))
            {
                table.Release();
                return;
            }

            Assert.That(table.TryReserve(tokens.Length, forks, prompt), Is.True);
            table.Admitted(prompt);
            table.BringBackStates();
            open.Add(new Running(table, tokens, prompt, forks) { Computed = taken });
        }

        void Advance(Running one, int rows)
        {
            int length = one.Forks > 0 ? one.Prompt : one.Tokens.Length;
            int computed = Math.Min(Math.Min(one.Computed + rows, length), one.Table.NextBorder(one.Computed, one.Prompt));
            if (computed == one.Computed)
            {
                return;
            }

            one.Table.Extend(computed);
            one.Computed = computed;
            one.Table.Keep(one.Tokens.AsSpan(0, computed));
            one.Table.KeepStates(computed, one.Prompt);
            one.Table.Pass(computed);
            if (one.Forks > 0 && computed == one.Prompt)
            {
                one.Forks = 0;
                int[] other = [.. one.Tokens[..one.Prompt], .. one.Tokens[one.Prompt..].Select(token => 1 - token)];
                open.Add(new Running(one.Table.Fork(computed, (_, _) => { }), other, one.Prompt, 0) { Computed = computed });
            }
        }

        void AssertBooks()
        {
            Assert.That(pool.Reserved, Is.EqualTo(open.Sum(one => one.Table.Reserved) + pool.Windows.SetAside));
            Assert.That(pool.Available, Is.Not.Negative);
            Assert.That(open.Select(one => one.Table.Reserved), Has.All.Not.Negative);
            Assert.That(cache.IdlePageCount, Is.EqualTo(cache.Snapshot().Count(kept => pool.OwnersOf(kept.Page) == 1)));
            Assert.That(cache.Count, Is.EqualTo(cache.Snapshot().Length));
            for (int page = 0; page < pool.Total; page++)
            {
                int owners = open.Count(one => one.Table.Pages.Contains(page)) + cache.Snapshot().Count(kept => kept.Page == page);
                Assert.That(pool.OwnersOf(page), Is.EqualTo(owners));
            }
        }
    }

    private static void Compute(PageTable table, int[] tokens, int to, int from = 0)
    {
        for (int computed = from; computed < to;)
        {
            computed = Math.Min(to, computed + MaxRows);
            table.Extend(computed);
            table.Keep(tokens.AsSpan(0, computed));
            table.Pass(computed);
        }
    }

    private sealed record Running(PageTable Table, int[] Tokens, int Prompt, int Pending)
    {
        public int Computed { get; set; }

        public int Forks { get; set; } = Pending;
    }
}
