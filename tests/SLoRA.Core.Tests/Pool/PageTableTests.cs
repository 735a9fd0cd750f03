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
    public void Pages_round_up(int tokens, int pages) => Assert.That(new PageTable(new PagePool(8), 4).PagesFor(tokens), Is.EqualTo(pages));

    [Test]
    public void Extending_takes_pages_out_of_the_reservation_as_they_are_needed()
    {
        var pool = new PagePool(8);
        var table = new PageTable(pool, 4);
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
        var table = new PageTable(pool, 4);

        Assert.That(table.TryReserve(9), Is.False);
        Assert.That(pool.Available, Is.EqualTo(2));
    }

    [Test]
    public void Releasing_returns_pages_and_promises_once()
    {
        var pool = new PagePool(8);
        var table = new PageTable(pool, 4);
        table.TryReserve(16);
        table.Extend(6);

        table.Release();
        table.Release();

        Assert.That(pool, Has.Property("Free").EqualTo(8).And.Property("Reserved").EqualTo(0));
    }
}
