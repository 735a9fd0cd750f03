using NUnit.Framework;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>Copying adapters into pages beside sequences that compute, and before those come that want them.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ResidencyTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };

    [Test]
    public void No_step_copies_more_than_its_slice_while_others_stream_and_their_tokens_are_the_same()
    {
        CountingBackend backend = null!;
        // The clock stands still, so steps take no time and the slice is the least there is.
        using var engine = new SteppedEngine(
            builder => builder.UseTimeProvider(new ManualClock())
                .UseBackend((rows, outputs) => backend = new CountingBackend(rows, outputs)), adapters: ["wide"]);
        long bytes = engine.Loop.HostStore.Bytes;
        Assert.That(bytes, Is.GreaterThan(4 * SliceBudget.Least), "the adapter needs several slices");
        Answer streaming = engine.Ask(Question with { MaxTokens = 40 });
        engine.Loop.Step();
        engine.Loop.Step();
        backend.WrittenBeforeStep.Clear();
        Answer late = engine.Ask(Question with { Adapter = "wide" });
        engine.Loop.Step();
        Assert.That(engine.Loop.DeviceCache.PagingIn, Has.Count.EqualTo(1));
        engine.Finish(streaming, late);

        Assert.That(backend.WrittenBeforeStep.Max(), Is.EqualTo(SliceBudget.Least));
        Assert.That(backend.WrittenBeforeStep.Sum(), Is.EqualTo(bytes));
        Assert.That(streaming.Tokens, Is.EqualTo(Alone(Question with { MaxTokens = 40 })));
        Assert.That(late.Tokens, Is.EqualTo(Alone(Question with { Adapter = "wide" }, "wide")));
    }

    [Test]
    public void When_nobody_computes_an_adapter_is_copied_before_the_first_step()
    {
        CountingBackend backend = null!;
        using var engine = new SteppedEngine(
            builder => builder.UseBackend((rows, outputs) => backend = new CountingBackend(rows, outputs)), adapters: ["wide"]);
        long bytes = engine.Loop.HostStore.Bytes;
        engine.Ask(Question with { Adapter = "wide" });

        engine.Loop.Step();

        Assert.That(backend.WrittenBeforeStep, Is.EqualTo(new[] { bytes }));
    }

    [Test]
    public void The_slice_is_the_stated_share_of_a_step_at_the_measured_speed()
    {
        var slice = new SliceBudget(0.1);
        slice.Begin(othersRun: true);
        Assert.That(slice.Left, Is.EqualTo(SliceBudget.Least));
        for (int i = 0; i < 100; i++)
        {
            slice.NoteStep(TimeSpan.FromMilliseconds(50));
            slice.NoteCopy(1 << 20, TimeSpan.FromMilliseconds(1));
        }

        slice.Begin(othersRun: true);
        Assert.That(slice.Left, Is.EqualTo(5 << 20).Within(1 << 10), "a tenth of 50 ms at 1 MiB per ms");
        Assert.That(slice.TrySpend(slice.Left + 1), Is.False);
        Assert.That(slice.TrySpend(slice.Left), Is.True);
        Assert.That(slice.Left, Is.EqualTo(0));
        slice.Begin(othersRun: false);
        Assert.That(slice.Left, Is.EqualTo(SliceBudget.Alone));
    }

    [Test]
    public void The_adapter_of_a_waiting_request_is_in_pages_before_it_is_admitted()
    {
        using SteppedEngine engine = OneAtATime();
        Answer running = engine.Ask(Question);
        engine.Loop.Step();
        Answer waiting = engine.Ask(Question with { Adapter = "qv" });

        engine.StepUntil(() => engine.Loop.DeviceCache.Resident.Count == 1);

        Assert.That(running.Stream.FinishReason, Is.Null);
        Assert.That(engine.Status.Waiting, Is.EqualTo(1));
        engine.Finish(running, waiting);
        Assert.That(StatusOf(engine, "qv"), Has.Property("Hits").EqualTo(1).And.Property("PageIns").EqualTo(1));
        Assert.That(waiting.Tokens, Is.EqualTo(Alone(Question with { Adapter = "qv" }, "qv")));
    }

    [Test]
    public void Prefetching_follows_the_queue_and_stops_at_the_first_that_has_no_room()
    {
        // The running request reserves 1 page more than "wide" leaves.
        using SteppedEngine engine = OneAtATime(pages: 30);
        Answer running = engine.Ask(Question with { MaxTokens = 30 });
        engine.Loop.Step();
        Answer[] waiting = [engine.Ask(Question with { Adapter = "wide", MaxTokens = 2 }), engine.Ask(Question with { Adapter = "qv" })];

        engine.StepUntil(() => engine.Adapters.List().Count(adapter => adapter.Tier == AdapterTier.Host) == 2);
        engine.Loop.Step();

        Assert.That(engine.Loop.DeviceCache.Resident, Is.Empty, "'qv' does not overtake");
        engine.Finish([running, .. waiting]);
        Assert.That(waiting[0].Tokens, Is.EqualTo(Alone(Question with { Adapter = "wide", MaxTokens = 2 }, "wide")));
    }

    [Test]
    public void What_is_prefetched_makes_room_for_the_head_of_the_queue()
    {
        using SteppedEngine engine = OneAtATime(pages: 34);
        Answer running = engine.Ask(Question with { MaxTokens = 12 });
        engine.Loop.Step();
        // Base requests in front need pages; the adapter behind them is brought into what is free until then.
        Answer head = engine.Ask(Question with { MaxTokens = 60, Prompt = Enumerable.Range(1, 40).ToArray() });
        Answer behind = engine.Ask(Question with { Adapter = "wide", MaxTokens = 2 });
        engine.StepUntil(() => engine.Loop.DeviceCache.Resident.Count == 1);
        engine.Finish(running, head, behind);

        Assert.That(head.Tokens, Has.Count.EqualTo(60));
        Assert.That(StatusOf(engine, "wide").Evictions, Is.EqualTo(1), "it gave its pages to the head");
        Assert.That(behind.Tokens, Is.EqualTo(Alone(Question with { Adapter = "wide", MaxTokens = 2 }, "wide")));
    }

    [Test]
    public void A_cancelled_request_releases_what_was_prefetched_for_it()
    {
        using SteppedEngine engine = OneAtATime(builder => builder.UseTimeProvider(new ManualClock()));
        Answer running = engine.Ask(Question with { MaxTokens = 100 });
        engine.Loop.Step();
        using var cancellation = new CancellationTokenSource();
        Answer waiting = engine.Ask(Question with { Adapter = "wide" }, cancellation.Token);
        engine.StepUntil(() => engine.Loop.DeviceCache.PagingIn.Count == 1);

        cancellation.Cancel();
        engine.Loop.Step();

        Assert.That(waiting.Error, Is.InstanceOf<OperationCanceledException>());
        Assert.That(engine.Loop.DeviceCache.PagingIn, Is.Empty);
        Assert.That(engine.Loop.DeviceCache.OwnedPages, Is.EqualTo(0));
        engine.Finish(running);
    }

    private static SteppedEngine OneAtATime(Action<LoraServingEngineBuilder>? configure = null, int pages = 600)
    {
        var engine = new SteppedEngine(builder =>
        {
            builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 1).ConfigurePool(pool => pool.Bytes = pages * 12288L);
            configure?.Invoke(builder);
        });
        foreach (string name in (string[])["qv", "wide"])
        {
            engine.Run(engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder(name), AdapterValidation.Content));
        }

        return engine;
    }

    private static AdapterStatus StatusOf(SteppedEngine engine, string name) =>
        engine.Adapters.List().Single(adapter => adapter.Name == name);

    private static IReadOnlyList<int> Alone(GenerationRequest request, params string[] adapters)
    {
        using var engine = new SteppedEngine(adapters: adapters);
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer.Tokens;
    }
}
