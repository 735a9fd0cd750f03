using NUnit.Framework;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Pool;

[Parallelizable(ParallelScope.All)]
public sealed class PageTableTests
{
    [TestCase(1, 1)]
    [TestCase(4, 1)]
    [TestCase(5, 2)]
    [TestCase(8, 2)]
    public void Pages_round_up(int tokens, int pages) =>
        Assert.That(new PageTable(new PagePool(8), new TableShape(4)).PagesFor(tokens), Is.EqualTo(pages));

    [Test]
    public void Extending_takes_pages_out_of_the_reservation_as_they_are_needed()
    {
        var pool = new PagePool(8);
        var table = new PageTable(pool, new TableShape(4));
        table.TryReserve(10);

        table.Extend(5);

        Assert.That(table.Pages.Length, Is.EqualTo(2));
        Assert.That(table.Reserved, Is.EqualTo(1));
        Assert.That(pool, Has.Property("Owned").EqualTo(2).And.Property("Reserved").EqualTo(1));
    }

    [Test]
    public void A_reservation_that_does_not_fit_changes_nothing()
    {
        var pool = new PagePool(2);
        var table = new PageTable(pool, new TableShape(4));

        Assert.That(table.TryReserve(9), Is.False);
        Assert.That(pool.Available, Is.EqualTo(2));
    }

    [Test]
    public void States_have_pages_of_their_own_beside_those_of_the_tokens()
    {
        var pool = new PagePool(8);
        var table = new PageTable(pool, new TableShape(4, statePages: 2));

        Assert.That((table.PagesFor(0), table.PagesFor(4), table.PagesFor(5)), Is.EqualTo((2, 3, 4)));
        Assert.That(table.Missing(5), Is.EqualTo(4));
        Assert.That(table.TryReserve(5), Is.True);
        Assert.That((table.Reserved, pool.Owned), Is.EqualTo((4, 0)), "they are promised, and taken when it runs");

        table.Extend(1);
        int[] states = table.StatePages.ToArray();
        Assert.That((states.Length, table.PagesOf(1).Length, table.Pages.Length, table.Reserved), Is.EqualTo((2, 1, 3, 1)));
        table.Extend(5);
        Assert.That(table.StatePages.ToArray(), Is.EqualTo(states), "they do not grow");
        Assert.That(table.AllPagesOf(5).ToArray(), Is.EqualTo((int[])[.. states, .. table.PagesOf(5)]).And.Unique);
        Assert.That(table.Missing(5), Is.Zero);

        table.Release();
        Assert.That(pool, Has.Property("Free").EqualTo(8).And.Property("Reserved").EqualTo(0));
    }

    [TestCase(8, 0, Description = "the prompt ends with its page")]
    [TestCase(9, 1, Description = "the third page is copied too")]
    public void A_fork_shares_full_pages_and_copies_those_of_states(int tokens, int copied)
    {
        // Two pages of states and three of twelve tokens; the fork needs all but the two full ones again.
        var pool = new PagePool(8);
        var table = new PageTable(pool, new TableShape(4, statePages: 2));
        Assert.That(table.TryReserve(12, forks: 1, sharedTokens: tokens), Is.True);
        Assert.That((table.PagesFor(12, 1, tokens), table.Reserved), Is.EqualTo((8, 8)));
        table.Extend(tokens);
        var copies = new List<(int From, int To)>();

        PageTable fork = table.Fork(tokens, (from, to) => copies.Add((from, to)));

        Assert.That(fork.PagesOf(8).ToArray(), Is.EqualTo(table.PagesOf(8).ToArray()));
        Assert.That(fork.StatePages.ToArray().Intersect(table.StatePages.ToArray()), Is.Empty);
        int[] last = [.. table.PagesOf(tokens)[2..]], lastOfFork = [.. fork.PagesOf(tokens)[2..]];
        Assert.That(last, Has.Length.EqualTo(copied));
        Assert.That(copies, Is.EqualTo(table.StatePages.ToArray().Zip(fork.StatePages.ToArray()).Concat(last.Zip(lastOfFork))));
        table.Extend(12);
        fork.Extend(12);
        Assert.That((table.Reserved, fork.Reserved, pool.Owned), Is.EqualTo((0, 0, 8)));
        table.Release();
        fork.Release();
        Assert.That(pool.Free, Is.EqualTo(8));
    }

    [Test]
    public void Releasing_returns_pages_and_promises_once()
    {
        var pool = new PagePool(8);
        var table = new PageTable(pool, new TableShape(4));
        table.TryReserve(16);
        table.Extend(6);

        table.Release();
        table.Release();

        Assert.That(pool, Has.Property("Free").EqualTo(8).And.Property("Reserved").EqualTo(0));
    }
}
