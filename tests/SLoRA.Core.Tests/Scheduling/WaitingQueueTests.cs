using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Many who wait: what happens to some of them is theirs, and a step costs the same however many they are.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class WaitingQueueTests
{
    private const int Many = 5_000;

    private static readonly GenerationRequest Question = new() { Prompt = new[] { 7, 8, 9 }, MaxTokens = 2, IgnoreEndOfText = true };

    [Test]
    public void Those_who_leave_from_anywhere_give_their_places_back_and_the_others_are_served_in_order()
    {
        using SteppedEngine engine = Engine(1);
        Answer running = engine.Ask(Question with { MaxTokens = 40 });
        engine.Loop.Step();
        using var cancellation = new CancellationTokenSource();
        Answer[] asked = [.. Enumerable.Range(0, Many).Select(i => engine.Ask(Question, i % 50 == 7 ? default : cancellation.Token))];
        Step(engine, 5);
        Assert.That(engine.Status.Queue, Is.EqualTo(new QueueStatus(0, 0, Many)));
        Assert.That(engine.Ask(Question).Error, Is.TypeOf<EngineBusyException>(), "the running one has left its place");

        cancellation.Cancel();
        Step(engine, 5);

        Answer[] left = [.. asked.Where((_, i) => i % 50 == 7)];
        Assert.That(engine.Status.Queue.Total, Is.EqualTo(left.Length));
        Assert.That(engine.Loop.Waiting.Select(sequence => sequence.Request.Stream), Is.EqualTo(left.Select(answer => answer.Stream)));
        List<GenerationStream> served = [];
        while (served.Count < left.Length)
        {
            engine.Loop.Step();
            served.AddRange(engine.Loop.Running.Select(sequence => sequence.Request.Stream)
                .Where(stream => stream != running.Stream && !served.Contains(stream)));
        }

        Assert.That(served, Is.EqualTo(left.Select(answer => answer.Stream)));
        engine.Finish(left);
        Assert.That(Enumerable.Range(0, Many - 1)
            .Select(_ => engine.Ask(Question with { MaxTokens = 1 }).Stream.FinishReason), Is.All.Null, "all places are free again");
    }

    [Test]
    public void What_becomes_of_one_adapter_concerns_those_who_wait_for_it()
    {
        using var copy = new CopiedAdapter("qv");
        using SteppedEngine engine = Engine(1);
        engine.Run(engine.Adapters.RegisterAsync("gone", copy.Path));
        engine.Run(engine.Adapters.RegisterAsync("r1", SteppedEngine.AdapterFolder("r1")));
        File.Delete(copy.TensorFile);
        Answer[] answers = [.. Enumerable.Range(0, 60).Select(i => engine.Ask(Question with
        {
            Adapters = (i % 3) switch { 0 => [new("gone", 1)], 1 => [new("r1", 1)], _ => [new("r1", 1), new("gone", 0.5f)] },
        }))];
        engine.Finish(answers);

        Assert.That(answers.Select(answer => answer.Error?.GetType()),
            Is.EqualTo(answers.Select((_, i) => i % 3 == 1 ? null : typeof(AdapterLoadException))));
        Assert.That(engine.Adapters.List().Select(adapter => adapter.Requests), Is.All.Zero);
    }

    [Test]
    public void A_request_keeps_its_place_while_its_content_is_read_and_the_status_says_what_everybody_waits_for()
    {
        using var engine = new SteppedEngine(
            builder => builder.ConfigureScheduling(scheduling => (scheduling.MaxRunning, scheduling.StreamBuffer) = (1, 4)));
        var package = new GatedPackage("slow", SteppedEngine.AdapterFolder("qv"));
        engine.Register(package);

        // Its consumer reads nothing, so that the one place is taken for as long as the test wants.
        var running = new SteppedConsumer(engine, Question with { MaxTokens = 200 }) { IsStalled = true };
        Step(engine, 20);
        Answer slow = engine.Ask(Question with { Adapter = "slow" });
        Answer[] others = [.. Enumerable.Range(0, 100).Select(_ => engine.Ask(Question))];
        engine.Loop.Step();
        Assert.That(engine.Status.Queue, Is.EqualTo(new QueueStatus(1, 0, 100)));
        package.Gate.Set();
        engine.StepUntil(() => engine.Status.Queue.ForContent == 0);

        Assert.That(engine.Status.Queue, Is.EqualTo(new QueueStatus(0, 0, 101)));
        running.Cancel();
        engine.StepUntil(() => slow.Stream.Published > 0);
        Assert.That(others.Select(answer => answer.Stream.Published), Is.All.Zero);
        engine.Finish([slow, .. others]);
    }

    [Test]
    public void Steps_beside_many_who_wait_allocate_nothing()
    {
        using var engine = new SteppedEngine(
            builder => builder.CheckInvariants(false).UseCpu(cpu => cpu.Threads = 1)
                .ConfigureScheduling(scheduling => (scheduling.MaxRunning, scheduling.StreamBuffer) = (2, 1024)),
            adapters: ["qv", "r1"]);
        Answer[] running = [engine.Ask(Question with { MaxTokens = 240 }), engine.Ask(Question with { MaxTokens = 240, Adapter = "qv" })];
        Answer[] waiting = [.. Enumerable.Range(0, 2000)
            .Select(i => engine.Ask(Question with { Adapter = (i % 3) switch { 0 => null, 1 => "qv", _ => "r1" } }))];
        Step(engine, 20);

        long allocated = Enumerable.Range(0, 3).Min(_ =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Step(engine, 60);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });

        Assert.That(allocated, Is.Zero);
        Assert.That((engine.Status.Running, engine.Status.Queue.Total), Is.EqualTo((2, waiting.Length)));
        Assert.That(running.Select(answer => answer.Stream.FinishReason), Is.All.Null);
    }

    [Test]
    public void Those_who_wait_for_one_copying_of_an_adapter_are_one_miss()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer[] answers = [.. Enumerable.Range(0, 5).Select(_ => engine.Ask(Question with { Adapter = "qv" }))];
        engine.Finish(answers);

        Assert.That((engine.Status.AdapterCache.Misses, engine.Status.AdapterCache.Hits, engine.Status.AdapterCache.PageIns),
            Is.EqualTo((1L, 4L, 1L)));
        Assert.That(engine.Status.AdapterCache.HitRate, Is.EqualTo(0.8));
    }

    /// <summary>Makes as many steps as it takes until all commands have been seen.</summary>
    private static void Step(SteppedEngine engine, int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            engine.Loop.Step();
        }
    }

    private static SteppedEngine Engine(int running) => new(builder => builder
        .CheckInvariants(false)
        .ConfigureScheduling(scheduling => (scheduling.MaxRunning, scheduling.MaxWaiting) = (running, Many)));
}
