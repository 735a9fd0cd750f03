using FsCheck;
using NUnit.Framework;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Pool;

[Parallelizable(ParallelScope.All)]
public sealed class PagePoolTests
{
    [Test]
    public void A_new_pool_is_free() => Assert.That(new PagePool(7), Has.Property("Free").EqualTo(7).And.Property("Available").EqualTo(7));

    [Test]
    public void Reserving_takes_availability_but_no_page()
    {
        var pool = new PagePool(4);

        Assert.That(pool.TryReserve(3), Is.True);

        Assert.That(pool, Has.Property("Free").EqualTo(4).And.Property("Available").EqualTo(1).And.Property("Owned").EqualTo(0));
    }

    [Test]
    public void More_than_is_available_cannot_be_reserved()
    {
        var pool = new PagePool(4);
        pool.TryReserve(3);

        Assert.That(pool.TryReserve(2), Is.False);
        Assert.That(pool.Reserved, Is.EqualTo(3));
    }

    [Test]
    public void A_page_that_was_not_promised_is_not_handed_out()
    {
        var pool = new PagePool(1);

        Assert.That(() => pool.TakeReserved(), Throws.InvalidOperationException);
    }

    [Test]
    public void The_last_owner_frees_a_page()
    {
        var pool = new PagePool(1);
        pool.TryReserve(1);
        int page = pool.TakeReserved();
        pool.Share(page);

        pool.Release(page);
        Assert.That(pool.Free, Is.EqualTo(0));
        pool.Release(page);
        Assert.That(pool.Free, Is.EqualTo(1));
    }

    [Test]
    public void A_free_page_cannot_be_released_or_shared()
    {
        var pool = new PagePool(2);

        Assert.That(() => pool.Release(1), Throws.InvalidOperationException);
        Assert.That(() => pool.Share(1), Throws.InvalidOperationException);
    }

    [SeededProperty(MaxTest = 200)]
    public void Any_history_of_calls_agrees_with_a_model(NonEmptyArray<byte> history)
    {
        const int Pages = 9;
        var pool = new PagePool(Pages);
        var owners = new Dictionary<int, int>();
        int reserved = 0;
        foreach (byte call in history.Get)
        {
            int argument = call / 5;
            switch (call % 5)
            {
                case 0:
                    bool fits = argument % 4 <= Pages - owners.Count - reserved;
                    Assert.That(pool.TryReserve(argument % 4), Is.EqualTo(fits));
                    reserved += fits ? argument % 4 : 0;
                    break;
                case 1 when reserved > 0:
                    int page = pool.TakeReserved();
                    Assert.That(owners.TryAdd(page, 1), Is.True, "handed out twice");
                    reserved--;
                    break;
                case 2 when owners.Count > 0:
                    int shared = owners.Keys.ElementAt(argument % owners.Count);
                    pool.Share(shared);
                    owners[shared]++;
                    break;
                case 3 when owners.Count > 0:
                    int released = owners.Keys.ElementAt(argument % owners.Count);
                    pool.Release(released);
                    if (--owners[released] == 0)
                    {
                        owners.Remove(released);
                    }

                    break;
                case 4 when reserved > 0:
                    pool.CancelReservation(1);
                    reserved--;
                    break;
            }

            Assert.Multiple(() =>
            {
                Assert.That(pool.Reserved, Is.EqualTo(reserved));
                Assert.That(pool.Owned, Is.EqualTo(owners.Count));
                Assert.That(pool.Free + pool.Owned, Is.EqualTo(pool.Total));
                Assert.That(owners.All(owner => pool.OwnersOf(owner.Key) == owner.Value), Is.True);
            });
        }
    }
}
