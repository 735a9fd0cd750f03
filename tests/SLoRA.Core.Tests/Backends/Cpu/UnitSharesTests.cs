using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

internal sealed class UnitSharesTests
{
    [Test]
    public void A_thread_takes_its_run_in_order_and_then_the_last_of_the_others()
    {
        var shares = new UnitShares(3);
        Assert.That(shares.Share(10), Is.EqualTo(3));

        // Runs: 0 1 2, 3 4 5, 6 7 8 9.
        Assert.That(
            All(shares, run: 1).Select(taken => taken.Unit), Is.EqualTo((int[])[3, 4, 5, 9, 8, 7, 6, 2, 1, 0]));
        Assert.That(shares.Take(0, out _, out _), Is.False);
        Assert.That(shares.Take(2, out _, out _), Is.False);
    }

    [Test]
    public void It_knows_what_follows_while_its_own_run_lasts()
    {
        var shares = new UnitShares(2);
        shares.Share(6);
        Assert.That(
            All(shares, run: 0),
            Is.EqualTo(((int, bool)[])[(0, true), (1, true), (2, false), (5, false), (4, false), (3, false)]));
    }

    [Test]
    public void What_another_has_taken_from_behind_does_not_follow()
    {
        var shares = new UnitShares(2);
        shares.Share(3);

        // Runs: 0, 1 2.
        shares.Take(1, out int first, out bool follows);
        Assert.That((first, follows), Is.EqualTo((1, true)));
        shares.Take(0, out _, out _);
        shares.Take(0, out int taken, out _);
        Assert.That(taken, Is.EqualTo(2));
        Assert.That(shares.Take(1, out _, out _), Is.False);
    }

    [TestCase(0, 0)]
    [TestCase(1, 1)]
    [TestCase(3, 3)]
    [TestCase(40, 4)]
    public void No_run_is_empty(int units, int runs)
    {
        var shares = new UnitShares(4);
        Assert.That(shares.Share(units), Is.EqualTo(runs));
        Assert.That(All(shares, run: 0).Select(taken => taken.Unit).Order(), Is.EqualTo(Enumerable.Range(0, units)));
    }

    [Test]
    public void Threads_that_take_at_once_take_every_unit_once([Values(2, 3, 5)] int workers)
    {
        const int Units = 20_000;
        var shares = new UnitShares(workers);
        for (int round = 0; round < 5; round++)
        {
            shares.Share(Units);
            var taken = new List<int>[workers];
            Thread[] threads = [.. Enumerable.Range(0, workers).Select(run => new Thread(() => taken[run] =
                [.. All(shares, run).Select(unit => unit.Unit)]))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Assert.That(taken.SelectMany(units => units).Order(), Is.EqualTo(Enumerable.Range(0, Units)));
        }
    }

    private static List<(int Unit, bool Follows)> All(UnitShares shares, int run)
    {
        var taken = new List<(int, bool)>();
        while (shares.Take(run, out int unit, out bool follows))
        {
            taken.Add((unit, follows));
        }

        return taken;
    }
}
