using NUnit.Framework;
using SLoRA.Adapters.Resident;

namespace SLoRA.Core.Tests.Adapters.Resident;

[Parallelizable(ParallelScope.All)]
public sealed class DeviceCacheTests
{
    [Test]
    public void A_generation_owns_its_pages_from_the_first_byte_and_is_resident_after_the_last()
    {
        using var parts = new ResidentParts();
        Generation generation = parts.Add("a", 7, pages: 2).Generation!;
        parts.Cache.BeginCopy(generation);
        int[] pages = generation.Copy!.Pages;
        Assert.That((pages.Length, parts.Cache.OwnedPages, parts.Pool.Free), Is.EqualTo((2, 2, ResidentParts.Pages - 2)));

        parts.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.That(parts.Cache.PageIn((2 * ResidentParts.PageBytes) - 1), Is.EqualTo((2 * ResidentParts.PageBytes) - 1));
        Assert.That((parts.Cache.Resident.Count, parts.Cache.PagingIn.Count, parts.Arrived.Count), Is.EqualTo((0, 1, 0)));

        Assert.That(parts.Cache.PageIn(100), Is.EqualTo(1));
        Assert.That(parts.Cache.Resident, Is.EqualTo(new[] { generation }));
        Assert.That((generation.Resident!.Pages, parts.Cache.PagingIn.Count), Is.EqualTo((pages, 0)));
        Assert.That(pages.SelectMany(parts.BytesOf), Is.All.EqualTo(7));
        Assert.That(parts.Arrived, Is.EqualTo(new[] { TimeSpan.FromSeconds(3) }));
        Assert.That(parts.Cache.Counters,
            Has.Property("PageIns").EqualTo(1).And.Property("PageInBytes").EqualTo(2 * ResidentParts.PageBytes)
                .And.Property("PageInTime").EqualTo(TimeSpan.FromSeconds(3)));
        Assert.That(parts.Cache.PageIn(100), Is.Zero);
    }

    [Test]
    public void What_a_running_sequence_needs_is_copied_before_what_is_prefetched()
    {
        using var parts = new ResidentParts();
        AdapterRegistration early = parts.Add("early", 1);
        AdapterRegistration needed = parts.Add("needed", 2);
        parts.Cache.BeginCopy(early.Generation!);
        parts.Cache.BeginCopy(needed.Generation!);
        Lease lease = parts.Lease(needed);
        lease.Use();

        parts.Cache.PageIn(ResidentParts.PageBytes);

        Assert.That(parts.Cache.Resident, Is.EqualTo(new[] { needed.Generation }));
        Assert.That(parts.Cache.PagingIn, Is.EqualTo(new[] { early.Generation }));
        lease.Return();
    }

    [Test]
    public void One_that_is_copied_already_takes_no_other_pages()
    {
        using var parts = new ResidentParts();
        Generation generation = parts.Add("a", 1).Generation!;
        Assert.That(parts.Cache.Acquire(generation), Is.True);
        Assert.That(parts.Cache.Acquire(generation), Is.False, "under way");
        parts.Cache.PageIn(long.MaxValue);
        Assert.That(parts.Cache.Acquire(generation), Is.False, "there");

        Assert.That(parts.Cache.OwnedPages, Is.EqualTo(1));
        Assert.That((parts.Cache.Counters.Misses, parts.Cache.Counters.Hits, generation.Picture.Hits), Is.EqualTo((1L, 2L, 2L)));
    }

    [Test]
    public void Room_is_made_before_it_is_asked_for()
    {
        using var parts = new ResidentParts();
        Generation generation = parts.Add("a", 1, pages: 2).Generation!;
        Assert.That(parts.Pool.TryReserve(ResidentParts.Pages - 1), Is.True);

        Assert.That(() => parts.Cache.BeginCopy(generation), Throws.InvalidOperationException);
        Assert.That((parts.Cache.OwnedPages, generation.IsPagingIn), Is.EqualTo((0, false)));
    }

    [Test]
    public void Those_in_use_and_those_pinned_are_not_idle()
    {
        using var parts = new ResidentParts();
        Generation used = parts.AddResident("used", 1, pages: 2);
        Generation pinned = parts.AddResident("pinned", 2, pages: 3);
        parts.AddResident("idle", 3, pages: 4);
        Assert.That(parts.Cache.IdlePageCount, Is.EqualTo(9));
        Lease lease = parts.Lease(parts.Names.Find("used"));
        lease.Use();
        parts.Names.Find("pinned").Pin();

        Assert.That((parts.Cache.IdlePageCount, parts.Cache.PinnedPages), Is.EqualTo((4, 3)));
        parts.Cache.EvictIdle();
        Assert.That(parts.Cache.Resident, Is.EqualTo(new[] { used, pinned }));
        Assert.That(parts.Cache.LeastWorth, Is.EqualTo(double.PositiveInfinity));
        lease.Return();
        Assert.That(parts.Cache.IdlePageCount, Is.EqualTo(2));
    }

    [Test]
    public void What_is_worth_least_goes_first_and_what_is_waited_for_last()
    {
        using var parts = new ResidentParts();
        Generation often = parts.AddResident("often", 1);
        Generation waited = parts.AddResident("waited", 2);
        Generation seldom = parts.AddResident("seldom", 3);
        Generation old = parts.AddResident("old", 4);
        Lease lease = parts.Lease(parts.Names.Find("waited"));
        parts.Cache.NoteUse(old);
        parts.Clock.Advance(TimeSpan.FromSeconds(30));
        parts.Cache.NoteUse(often);
        parts.Cache.NoteUse(often);
        parts.Cache.NoteUse(seldom);
        parts.Clock.Advance(TimeSpan.FromSeconds(1));

        List<Generation> left = [];
        while (parts.Cache.IdlePageCount > 0)
        {
            Generation[] before = [.. parts.Cache.Resident];
            parts.Cache.GiveUpLeast();
            left.Add(before.Except(parts.Cache.Resident).Single());
        }

        Assert.That(left, Is.EqualTo(new[] { old, seldom, often, waited }));
        Assert.That(parts.Pool.Free, Is.EqualTo(ResidentParts.Pages));
        Assert.That((old.Picture.Evictions, parts.Cache.Counters.Evictions), Is.EqualTo((1L, 4L)));
        lease.Return();
    }

    [Test]
    public void One_whose_copy_is_given_up_returns_its_pages_and_was_never_there()
    {
        using var parts = new ResidentParts();
        Generation generation = parts.Add("a", 1, pages: 2).Generation!;
        parts.Cache.BeginCopy(generation);
        parts.Cache.PageIn(10);

        parts.Cache.Evict(generation);

        Assert.That((parts.Pool.Free, parts.Cache.PagingIn.Count, generation.IsPagingIn), Is.EqualTo((ResidentParts.Pages, 0, false)));
        Assert.That((parts.Cache.Counters.Evictions, parts.Cache.Counters.PageIns), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void Prefetch_takes_what_nobody_waits_for_and_nothing_where_that_is_not_enough()
    {
        using var parts = new ResidentParts();
        parts.AddResident("idle", 1, pages: 6);
        Generation waited = parts.AddResident("waited", 2, pages: 6);
        Lease lease = parts.Lease(parts.Names.Find("waited"));
        Generation large = parts.Add("large", 3, pages: 11).Generation!;
        Generation fits = parts.Add("fits", 4, pages: 10).Generation!;

        Assert.That(parts.Cache.TryPrefetch(large), Is.False);
        Assert.That((parts.Cache.Resident.Count, parts.Cache.PagingIn.Count), Is.EqualTo((2, 0)), "nothing was given up for it");
        Assert.That(parts.Cache.TryPrefetch(fits), Is.True);
        Assert.That(parts.Cache.Resident, Is.EqualTo(new[] { waited }));
        Assert.That(parts.Pool.Free, Is.Zero);
        lease.Return();
    }

    [TestCase(true)]
    [TestCase(false)]
    public void What_is_in_pages_alone_is_read_back_when_it_is_needed_next(bool isNeeded)
    {
        using var parts = new ResidentParts();
        Generation generation = parts.AddResident("a", 9, pages: 2);
        parts.Options.HostBytes = 0;
        parts.Store.Trim();
        Assert.That(generation.Image, Is.Null, "no room to hold it twice");
        parts.Next = isNeeded ? generation : null;

        parts.Cache.Evict(generation);

        Assert.That(generation.IsAvailable, Is.EqualTo(isNeeded));
        Assert.That(parts.Store.Bytes, Is.EqualTo(isNeeded ? 2 * ResidentParts.PageBytes : 0));
        if (isNeeded)
        {
            Assert.That(generation.Image!.Page(0).ToArray().Concat(generation.Image.Page(1).ToArray()), Is.All.EqualTo(9));
        }
    }
}
