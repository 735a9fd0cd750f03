using NUnit.Framework;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Pool;

/// <summary>Who gives up pages when others need them. The keepers are made up; a pool of ten pages is real.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReclaimTests
{
    private readonly PagePool _pool = new(10);
    private readonly List<string> _givenUp = [];

    [Test]
    public void What_is_free_and_what_is_idle_can_be_reached()
    {
        var reclaim = new Reclaim(_pool, new Keeper(this, ("a", 1, 2), ("b", 2, 1)), new Keeper(this, ("c", 3, 1)));
        Assert.That(_pool.Available, Is.EqualTo(6));
        Assert.That(reclaim.Reachable, Is.EqualTo(10));

        Assert.That(_pool.TryReserve(3), Is.True);

        Assert.That(reclaim.Reachable, Is.EqualTo(7), "what is promised is nobody's any more");
    }

    [Test]
    public void What_is_worth_least_goes_first_whoever_keeps_it()
    {
        var reclaim = new Reclaim(
            _pool, new Keeper(this, ("a", 5, 1), ("b", 20, 1)), new Keeper(this, ("c", 7, 1)), new Keeper(this, ("d", 1, 1), ("e", 6, 1)));
        Assert.That(_pool.Available, Is.EqualTo(5));

        Assert.That(reclaim.TryMakeRoom(9), Is.True);

        Assert.That(_givenUp, Is.EqualTo((string[])["d", "a", "e", "c"]));
        Assert.That(_pool.Available, Is.EqualTo(9));
    }

    [Test]
    public void No_more_goes_than_is_needed_and_what_goes_goes_whole()
    {
        var reclaim = new Reclaim(_pool, new Keeper(this, ("a", 1, 4), ("b", 2, 2)));
        Assert.That(_pool.Available, Is.EqualTo(4));

        Assert.That(reclaim.TryMakeRoom(5), Is.True);

        Assert.That(_givenUp, Is.EqualTo((string[])["a"]));
        Assert.That(_pool.Available, Is.EqualTo(8));
    }

    [Test]
    public void What_cannot_be_reached_costs_nobody_anything()
    {
        Assert.That(_pool.TryReserve(1), Is.True);
        var reclaim = new Reclaim(_pool, new Keeper(this, ("a", 1, 4)));

        Assert.That(reclaim.TryMakeRoom(10), Is.False);
        Assert.That(_givenUp, Is.Empty);
        Assert.That(reclaim.TryMakeRoom(9), Is.True, "a page less can be");
    }

    [Test]
    public void Room_that_is_there_costs_nothing()
    {
        var reclaim = new Reclaim(_pool, new Keeper(this, ("a", 1, 4)));

        Assert.That(reclaim.TryMakeRoom(6), Is.True);
        Assert.That(new Reclaim(_pool).TryMakeRoom(6), Is.True, "nor does it need anybody");
        Assert.That(_givenUp, Is.Empty);
    }

    [Test]
    public void Headroom_must_be_within_reach_and_is_not_made()
    {
        var reclaim = new Reclaim(_pool, new Keeper(this, ("a", 1, 2), ("b", 2, 2)));
        Assert.That(_pool.Available, Is.EqualTo(6));

        Assert.That(reclaim.TryMakeRoom(5, headroom: 6), Is.False, "eleven of ten");
        Assert.That(reclaim.TryMakeRoom(6, headroom: 4), Is.True);
        Assert.That(_givenUp, Is.Empty);
        Assert.That(reclaim.TryMakeRoom(7, headroom: 3), Is.True);
        Assert.That(_givenUp, Is.EqualTo((string[])["a"]));
    }

    /// <summary>Keeps pages of the pool under names, each with what it is worth.</summary>
    private sealed class Keeper : IIdlePages
    {
        private readonly ReclaimTests _test;
        private readonly List<(string Name, double Worth, int[] Pages)> _kept = [];

        public Keeper(ReclaimTests test, params (string Name, double Worth, int Pages)[] items)
        {
            _test = test;
            foreach ((string name, double worth, int pages) in items)
            {
                Assert.That(test._pool.TryReserve(pages), Is.True);
                _kept.Add((name, worth, [.. Enumerable.Range(0, pages).Select(_ => test._pool.TakeReserved())]));
            }

            _kept.Sort((left, right) => left.Worth.CompareTo(right.Worth));
        }

        public int IdlePageCount => _kept.Sum(item => item.Pages.Length);

        public double LeastWorth => _kept.Count == 0 ? double.PositiveInfinity : _kept[0].Worth;

        public void GiveUpLeast()
        {
            _test._givenUp.Add(_kept[0].Name);
            foreach (int page in _kept[0].Pages)
            {
                _test._pool.Release(page);
            }

            _kept.RemoveAt(0);
        }
    }
}
