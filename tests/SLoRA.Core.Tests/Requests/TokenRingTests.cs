using NUnit.Framework;

namespace SLoRA.Core.Tests.Requests;

[TestFixture]
[Parallelizable(ParallelScope.All)]
internal sealed class TokenRingTests
{
    [TestCase(1)]
    [TestCase(7)]
    [TestCase(64)]
    public async Task Tokens_come_out_once_and_in_order_while_another_thread_writes(int capacity)
    {
        const int Count = 20_000;
        var ring = new TokenRing<GeneratedToken>(capacity);
        var writer = new Thread(() =>
        {
            var spin = new SpinWait();
            for (int i = 0; i < Count; i++)
            {
                while (ring.Unread == capacity)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                }

                ring.Write(new GeneratedToken(i, i));
                ring.Publish();
            }

            ring.Complete(null);
        });
        writer.Start();

        int next = 0;
        while (await ring.WaitToReadAsync())
        {
            while (ring.TryRead(out GeneratedToken token, out _))
            {
                Assert.That(token.Id, Is.EqualTo(next++));
            }
        }

        writer.Join();
        Assert.That(next, Is.EqualTo(Count));
    }

    /// <summary>
    /// A writer that sleeps at so many unread tokens, and a reader that wakes it as the engine and a stream do. The reader says that a
    /// wake-up was lost when it has read everything while the writer sleeps and no wake-up is on its way: nothing that is still to happen
    /// would wake it, so no time has to pass to know.
    /// </summary>
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void A_writer_that_sleeps_is_woken_however_the_two_meet(int buffer)
    {
        const int Count = 200_000;
        var ring = new TokenRing<GeneratedToken>(buffer);
        int wakes = 0;
        long sleep = 0;
        int lost = 0;
        var reader = new Thread(() =>
        {
            for (int read = 0; read < Count;)
            {
                if (ring.TryRead(out _, out int left))
                {
                    read++;
                    if (left == buffer - 1)
                    {
                        Volatile.Write(ref wakes, 1);
                    }

                    continue;
                }

                // Odd while the writer sleeps; it takes the wake-up only after it has said that it is awake.
                long before = Interlocked.Read(ref sleep);
                if ((before & 1) == 1 && Volatile.Read(ref wakes) == 0 && ring.Unread == 0 && Interlocked.Read(ref sleep) == before)
                {
                    lost++;
                    Volatile.Write(ref wakes, 1);
                }
                else
                {
                    Thread.Yield();
                }
            }
        });
        reader.Start();
        for (int written = 0; written < Count;)
        {
            if (ring.Unread < buffer)
            {
                ring.Write(new GeneratedToken(written, written++));
                ring.Publish();
                continue;
            }

            Interlocked.Increment(ref sleep);
            while (Volatile.Read(ref wakes) == 0)
            {
                Thread.Yield();
            }

            Interlocked.Increment(ref sleep);

            // With a fence: what is unread is looked at after the wake-up has been taken, or one that comes in between would be taken with
            // it.
            Interlocked.Exchange(ref wakes, 0);
        }

        reader.Join();
        Assert.That(lost, Is.Zero, "wake-ups");
    }

    [Test]
    public void A_ring_takes_its_memory_with_the_first_token()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var ring = new TokenRing<GeneratedToken>(65_536);
        long empty = GC.GetAllocatedBytesForCurrentThread() - before;
        ring.Write(new GeneratedToken(1, 0));
        ring.Publish();

        Assert.That(empty, Is.LessThan(1024));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.GreaterThan(65_536L * 16));
    }

    [Test]
    public async Task A_token_is_seen_when_it_is_published_and_counts_as_unread_before()
    {
        var ring = new TokenRing<GeneratedToken>(4);
        Task<bool> wait = ring.WaitToReadAsync().AsTask();
        ring.Write(new GeneratedToken(1, 0));
        ring.Write(new GeneratedToken(2, 1));
        Assert.That((ring.Unread, ring.Published, ring.TryRead(out _, out _), wait.IsCompleted), Is.EqualTo((2, 0, false, false)));

        ring.Publish();
        Assert.That(await wait, Is.True);
        Assert.That(ring.TryRead(out GeneratedToken first, out int left), Is.True);
        Assert.That((first.Id, left, ring.Unread, ring.Taken), Is.EqualTo((1, 1, 1, 1)));
    }

    [Test]
    public async Task What_was_not_published_comes_with_the_end()
    {
        var ring = new TokenRing<GeneratedToken>(4);
        ring.Write(new GeneratedToken(1, 0));
        ring.Complete(null);

        Assert.That(await ring.WaitToReadAsync(), Is.True);
        Assert.That(ring.TryRead(out GeneratedToken token, out _) ? token.Id : -1, Is.EqualTo(1));
        Assert.That(await ring.WaitToReadAsync(), Is.False);
    }

    [Test]
    public async Task An_error_comes_after_everything_that_was_written()
    {
        var ring = new TokenRing<GeneratedToken>(4);
        ring.Write(new GeneratedToken(1, 0));
        ring.Publish();
        ring.Complete(new TimeoutException());

        Assert.That(await ring.WaitToReadAsync(), Is.True);
        Assert.That(ring.TryRead(out _, out _), Is.True);
        Assert.That(async () => await ring.WaitToReadAsync(), Throws.TypeOf<TimeoutException>());
    }

    [Test]
    public async Task A_reader_that_is_woken_for_a_token_that_it_has_taken_waits_on_and_does_not_end()
    {
        // The writer looks for a waiting reader after it has written; by then the reader may have the token and wait for the next.
        var ring = new TokenRing<GeneratedToken>(4);
        ValueTask<bool> wait = ring.WaitToReadAsync();
        ((IThreadPoolWorkItem)ring).Execute();
        Assert.That(wait.IsCompleted, Is.False);

        ring.Write(new GeneratedToken(1, 0));
        ring.Publish();
        Assert.That(await wait, Is.True);
        Assert.That(ring.TryRead(out GeneratedToken token, out _), Is.True);
        Assert.That(token.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task A_waiting_reader_is_woken_by_a_token_by_the_end_and_by_an_error()
    {
        var ring = new TokenRing<GeneratedToken>(4);
        Task<bool> first = ring.WaitToReadAsync().AsTask();
        bool waited = !first.IsCompleted;
        ring.Write(new GeneratedToken(1, 0));
        ring.Publish();
        Assert.Multiple(async () =>
        {
            Assert.That(waited, Is.True);
            Assert.That(await first, Is.True);
        });
        ring.TryRead(out _, out _);

        Task<bool> second = ring.WaitToReadAsync().AsTask();
        ring.Complete(null);
        Assert.That(await second, Is.False);

        var failing = new TokenRing<GeneratedToken>(4);
        Task<bool> third = failing.WaitToReadAsync().AsTask();
        failing.Complete(new TimeoutException());
        Assert.That(async () => await third, Throws.TypeOf<TimeoutException>());
    }

    [Test]
    public void More_than_its_capacity_is_an_error_and_overwrites_nothing()
    {
        var ring = new TokenRing<GeneratedToken>(2);
        ring.Write(new GeneratedToken(1, 0));
        ring.Publish();
        ring.Write(new GeneratedToken(2, 1));
        ring.Publish();

        Assert.That(() => ring.Write(new GeneratedToken(3, 2)), Throws.InvalidOperationException);
        Assert.That(ring.TryRead(out GeneratedToken token, out _) ? token.Id : -1, Is.EqualTo(1));
    }
}
