using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Consumers that stop reading: what they hold comes back, and nobody waits for it longer than they may be behind.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SlowConsumerTests
{
    private const int Pages = 24;

    /// <summary>20 + 229 tokens whose keys and values are kept, in pages of 16: 16 pages of 24.</summary>
    private static readonly GenerationRequest Large =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 230, IgnoreEndOfText = true };

    /// <summary>20 + 9 tokens: 2 pages.</summary>
    private static readonly GenerationRequest Small = Large with { MaxTokens = 10 };

    [Test]
    public void A_request_whose_consumer_takes_nothing_ends_with_its_error_after_the_time_that_it_may()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(clock);
        SteppedConsumer stalled = Stalled(engine, Large);
        clock.Advance(TimeSpan.FromSeconds(119));
        Step(engine, 2, stalled);
        Assert.That(stalled.Stream.FinishReason, Is.Null, "its time is not over");

        clock.Advance(TimeSpan.FromSeconds(1));
        Step(engine, 1, stalled);

        Assert.That(stalled.Stream.FinishReason, Is.EqualTo(FinishReason.Failed));
        Assert.That(engine.Status, Has.Property("Running").EqualTo(0).And.Property("EndedRequests").EqualTo(1));
        stalled.IsStalled = false;
        stalled.Read();
        Assert.That(
            stalled.Taken, Has.Count.EqualTo(5), "what had been generated can still be read: one that was asked for, and a buffer of four");
        Assert.That(stalled.Error, Is.TypeOf<ConsumerStalledException>().With.Property("Limit")
            .EqualTo(TimeSpan.FromMinutes(2)).And.Property("Code").EqualTo("request.consumer-stalled"));
        engine.DropCaches();
        Assert.That(engine.Status.Pool.Free, Is.EqualTo(Pages));
    }

    [Test]
    public void An_engine_that_sleeps_is_woken_for_it()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(clock);
        SteppedConsumer stalled = Stalled(engine, Large);
        Task sleeping = Task.Run(() =>
        {
            while (stalled.Stream.FinishReason is null)
            {
                engine.Loop.Port.Wait();
                engine.Loop.Step();
            }
        });

        clock.Advance(TimeSpan.FromMinutes(2));

        Assert.That(sleeping.Wait(TimeSpan.FromMinutes(1)), Is.True);
    }

    [Test]
    public void A_timer_that_fires_too_early_is_set_again()
    {
        var clock = new ManualClock { Haste = TimeSpan.FromSeconds(1) };
        using SteppedEngine engine = Engine(clock);
        SteppedConsumer stalled = Stalled(engine, Large);
        clock.Advance(TimeSpan.FromSeconds(119));
        Step(engine, 2, stalled);
        Assert.That(stalled.Stream.FinishReason, Is.Null, "its time is not over");

        // What has woken the engine until now has been seen to: only the timer is left.
        engine.Loop.Port.Wait();
        Task woken = Task.Run(() =>
        {
            engine.Loop.Port.Wait();
            engine.Loop.Step();
        });
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That(woken.Wait(TimeSpan.FromMinutes(1)), Is.True);
        Assert.That(stalled.Stream.FinishReason, Is.EqualTo(FinishReason.Failed));
    }

    [Test]
    public void A_consumer_that_takes_a_token_now_and_then_is_slow_and_not_gone()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(clock);
        SteppedConsumer slow = Stalled(engine, Small);
        for (int minutes = 0; minutes < 4; minutes++)
        {
            clock.Advance(TimeSpan.FromSeconds(100));
            slow.TakeOne();
            Step(engine, 2, slow);
            Assert.That(slow.Stream.FinishReason, Is.Null);
        }

        slow.IsStalled = false;
        Step(engine, 20, slow);
        Assert.That(slow.Taken, Has.Count.EqualTo(10));
        Assert.That(slow.Error, Is.Null);
    }

    [Test]
    public void Without_a_limit_a_consumer_may_be_behind_for_ever()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(clock, scheduling => scheduling.ConsumerTimeout = Timeout.InfiniteTimeSpan);
        SteppedConsumer stalled = Stalled(engine, Large);
        clock.Advance(TimeSpan.FromDays(100));
        Step(engine, 2, stalled);

        Assert.That(stalled.Stream.FinishReason, Is.Null);
    }

    [Test]
    public void Continuations_of_a_consumer_that_takes_nothing_end_together()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(clock);
        SteppedConsumer stalled = Stalled(engine, Large with { MaxTokens = 60, Continuations = 3 });
        Assert.That(engine.Loop.Running, Has.Count.EqualTo(3));
        clock.Advance(TimeSpan.FromMinutes(2));
        Step(engine, 1, stalled);

        Assert.That(stalled.Stream.FinishReasons, Is.EqualTo(Enumerable.Repeat(FinishReason.Failed, 3)));
        Assert.That(engine.Loop.Running, Is.Empty);
    }

    [Test]
    public void Small_requests_pass_one_that_waits_for_pages_of_a_consumer_that_does_not_read()
    {
        using SteppedEngine engine = Engine(new ManualClock());
        SteppedConsumer stalled = Stalled(engine, Large);
        var large = new SteppedConsumer(engine, Large);
        SteppedConsumer[] small = [.. Enumerable.Range(0, 20).Select(_ => new SteppedConsumer(engine, Small))];
        Step(engine, 100, [stalled, large, .. small]);

        Assert.That(small.Select(consumer => consumer.Stream.FinishReason), Is.All.EqualTo(FinishReason.Length),
            "there are 8 pages for them, 2 each");
        Assert.That(large.Stream.FinishReason, Is.Null);
        stalled.IsStalled = false;
        Step(engine, 600, [stalled, large]);
        Assert.That(large.Taken, Has.Count.EqualTo(230));
    }

    [Test]
    public void One_that_waits_for_pages_of_those_who_go_on_is_not_passed_whoever_else_does_not_read()
    {
        using SteppedEngine engine = Engine(new ManualClock());
        SteppedConsumer stalled = Stalled(engine, Small);
        var running = new SteppedConsumer(engine, Large);
        Step(engine, 3, stalled, running);
        SteppedConsumer[] later = [new(engine, Large), new(engine, Small)];
        Step(engine, 20, [stalled, running, .. later]);

        Assert.That(
            engine.Loop.Running, Has.Count.EqualTo(2), "22 pages are enough for the large one, as soon as the first large one has ended");
        Step(engine, 600, [stalled, running, .. later]);
        Assert.That(later.Select(consumer => consumer.Stream.FinishReason), Is.All.EqualTo(FinishReason.Length));
    }

    [Test]
    public void One_that_waits_for_places_of_a_consumer_that_does_not_read_is_passed_too()
    {
        using SteppedEngine engine = Engine(new ManualClock(), scheduling => scheduling.MaxRunning = 3);
        SteppedConsumer stalled = Stalled(engine, Small);
        var many = new SteppedConsumer(engine, Small with { Continuations = 3 });
        var one = new SteppedConsumer(engine, Small);
        Step(engine, 40, stalled, many, one);

        Assert.That((one.Stream.FinishReason, many.Stream.FinishReason), Is.EqualTo((FinishReason.Length, (FinishReason?)null)));
    }

    [Test]
    public void One_is_passed_no_longer_than_a_consumer_may_be_behind()
    {
        var clock = new ManualClock();
        using SteppedEngine engine = Engine(clock);
        SteppedConsumer slow = Stalled(engine, Large);
        var large = new SteppedConsumer(engine, Large);
        var first = new SteppedConsumer(engine, Small);
        Step(engine, 40, slow, large, first);
        Assert.That(first.Stream.FinishReason, Is.EqualTo(FinishReason.Length));

        // It takes a token every minute, so that it may stay, and is behind again.
        for (int minute = 0; minute < 2; minute++)
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            slow.TakeOne();
            Step(engine, 2, slow, large);
        }

        var second = new SteppedConsumer(engine, Small);
        Step(engine, 20, slow, large, second);
        Assert.That(engine.Loop.Waiting.Select(sequence => sequence.Request.Stream), Is.EqualTo(new[] { large.Stream, second.Stream }));
        slow.IsStalled = false;
        Step(engine, 600, slow, large, second);
        Assert.That(large.Taken, Has.Count.EqualTo(230));
        Assert.That(second.Taken, Has.Count.EqualTo(10));
    }

    [Test]
    public void Those_who_may_pass_are_looked_at_in_turn_however_many_stand_before_them()
    {
        using SteppedEngine engine = Engine(new ManualClock());
        SteppedConsumer stalled = Stalled(engine, Large);
        var moving = new SteppedConsumer(engine, Small with { MaxTokens = 60 });
        Step(engine, 1, stalled, moving);
        SteppedConsumer[] large =
            [.. Enumerable.Range(0, 200).Select(_ => new SteppedConsumer(engine, Large with { MaxTokens = 1 + 230 }))];
        var small = new SteppedConsumer(engine, Small with { MaxTokens = 2 });
        Step(engine, 20, [stalled, moving, small]);

        Assert.That(moving.Stream.FinishReason, Is.Null, "the engine had something else to do");
        Assert.That(small.Stream.FinishReason, Is.EqualTo(FinishReason.Length));
        Assert.That(large.Select(consumer => consumer.Stream.FinishReason), Is.All.Null);
    }

    [TestCase(PreemptionMode.Recompute)]
    [TestCase(PreemptionMode.Swap)]
    public void Under_over_commit_who_does_not_read_makes_room_for_who_waits_and_goes_on_later(PreemptionMode mode)
    {
        // 200 tokens of prompt: 13 pages of 24, and one of headroom for everybody.
        GenerationRequest long1 = Large with { Prompt = Enumerable.Range(1, 200).ToArray(), MaxTokens = 40 };
        GenerationRequest long2 = Large with { Prompt = Enumerable.Range(31, 200).ToArray(), MaxTokens = 40 };
        using SteppedEngine engine = Engine(new ManualClock(),
            scheduling => (scheduling.OverCommit, scheduling.Preemption, scheduling.OverCommitLookahead) = (true, mode, 8));
        SteppedConsumer stalled = Stalled(engine, long1);
        var other = new SteppedConsumer(engine, long2);
        Step(engine, 100, stalled, other);
        Assert.That(other.Taken, Has.Count.EqualTo(40));
        Assert.That(stalled.Stream.FinishReason, Is.Null);

        stalled.IsStalled = false;
        Step(engine, 100, stalled);
        using SteppedEngine oracle = new();
        Answer alone = oracle.Ask(long1);
        oracle.Finish(alone);
        Assert.That(stalled.Taken.Select(token => token.Id), Is.EqualTo(alone.Tokens));
        Assert.That(engine.Status.Preemptions, Is.EqualTo(1));
    }

    [Test]
    public void A_preempted_request_whose_consumer_takes_nothing_ends_too()
    {
        var clock = new ManualClock();
        GenerationRequest request = Large with { Prompt = Enumerable.Range(1, 200).ToArray(), MaxTokens = 40 };
        using SteppedEngine engine =
            Engine(clock, scheduling => (scheduling.OverCommit, scheduling.Preemption) = (true, PreemptionMode.Swap));
        SteppedConsumer stalled = Stalled(engine, request);
        var other = new SteppedConsumer(engine, request with { Prompt = Enumerable.Range(31, 200).ToArray() });
        Step(engine, 100, stalled, other);
        Assert.That(engine.Loop.Snapshot().SwapBlocks, Is.GreaterThan(0));
        clock.Advance(TimeSpan.FromMinutes(2));
        Step(engine, 1, stalled);

        Assert.That(stalled.Stream.FinishReason, Is.EqualTo(FinishReason.Failed));
        Assert.That((engine.Loop.Waiting.Count, engine.Loop.Snapshot().SwapBlocks), Is.EqualTo((0, 0)));
    }

    private static SteppedEngine Engine(ManualClock clock, Action<SchedulingOptions>? configure = null) => new(
        builder => builder.UseTimeProvider(clock)
            .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (Pages * 12288L, false))
            .ConfigureScheduling(scheduling =>
            {
                scheduling.StreamBuffer = 4;
                configure?.Invoke(scheduling);
            }));

    /// <summary>A request whose consumer takes one token and then nothing, until it is behind.</summary>
    private static SteppedConsumer Stalled(SteppedEngine engine, GenerationRequest request)
    {
        var consumer = new SteppedConsumer(engine, request) { IsStalled = true };
        Step(engine, 20, consumer);
        Assert.That(consumer.Stream.Unread, Is.GreaterThanOrEqualTo(4));
        return consumer;
    }

    private static void Step(SteppedEngine engine, int steps, params IReadOnlyList<SteppedConsumer> consumers)
    {
        for (int i = 0; i < steps; i++)
        {
            engine.Loop.Step();
            foreach (SteppedConsumer consumer in consumers)
            {
                consumer.Settle();
                consumer.Read();
            }
        }
    }
}
