using System.Diagnostics.Metrics;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Publishing beside the next step: what meets what, which thread calls whom, and what a fault in either half ends.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class OverlappedStepTests
{
    // A meeting that never happens is what is looked for: a test must not wait for it for ever.
    /// <summary>What is done on the device between two computings of it.</summary>
    private static readonly string[] OnTheEnginesThread =
    [
        nameof(IPageMemory.Copy), nameof(IPageMemory.Write), nameof(IPageMemory.WriteBeside), nameof(IBackend.Logits),
        nameof(IBackend.Chosen),
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 12).ToArray(), MaxTokens = 6, IgnoreEndOfText = true };

    /// <summary>
    /// The device does not finish a step before the tokens of the one before have been published, and these are not published before the
    /// device has begun the step: one thread alone would wait for ever.
    /// </summary>
    [Test]
    public void A_step_publishes_while_the_next_one_computes()
    {
        int begun = 0;
        int published = 0;
        bool haveMet = true;
        void Await(Func<bool> condition) => haveMet = haveMet && SpinWait.SpinUntil(condition, Patience);
        using var listener = new StepListener(() =>
        {
            int next = Volatile.Read(ref published) + 2;
            Await(() => next > Question.MaxTokens || Volatile.Read(ref begun) >= next);
            Volatile.Write(ref published, next - 1);
        });
        using SteppedEngine engine = Engine(
            operation =>
            {
                if (operation == nameof(IBackend.BeginStep))
                {
                    Volatile.Write(ref begun, begun + 1);
                }
                else if (operation == nameof(IBackend.EndStep))
                {
                    Await(() => Volatile.Read(ref published) >= begun - 1);
                }
            },
            builder => builder.ConfigureMetrics(metrics => metrics.MeterFactory = listener));
        Answer answer = engine.Ask(Question);
        engine.Finish(answer);

        Assert.That(haveMet, Is.True);
        Assert.That((begun, published, answer.Tokens.Count), Is.EqualTo((6, 6, 6)));
    }

    [Test]
    public void All_but_the_decoder_runs_on_the_engines_thread()
    {
        var engineThreads = new HashSet<int>();
        var deviceThreads = new HashSet<int>();
        using var listener = new StepListener(() => engineThreads.Add(Environment.CurrentManagedThreadId));
        using SteppedEngine engine = Engine(
            operation => (OnTheEnginesThread.Contains(operation) ? engineThreads : deviceThreads).Add(Environment.CurrentManagedThreadId),
            builder => builder.ConfigureMetrics(metrics => metrics.MeterFactory = listener),
            "r1");

        // Memory is allocated while the engine is built, here as well.
        deviceThreads.Clear();
        int own = Environment.CurrentManagedThreadId;
        var host = new FaultyHost(_ => { });
        var hook = new CallingHook(() => engineThreads.Add(Environment.CurrentManagedThreadId));
        Answer answer = engine.Ask(Question with { Continuations = 2, Adapter = "r1", LogitsHook = hook, StopCondition = host });
        engine.Finish(answer);

        Assert.That(answer.Error, Is.Null);
        Assert.That(engineThreads, Is.EqualTo(new[] { own }));
        Assert.That(deviceThreads, Has.Count.EqualTo(1).And.No.Member(own));
    }

    [Test]
    public void A_device_that_fails_while_the_step_before_is_published_costs_none_of_its_tokens()
    {
        const int Failing = 4;
        int steps = 0;
        SteppedConsumer? consumer = null;
        using SteppedEngine engine = Engine(operation =>
        {
            if (operation == nameof(IBackend.EndStep) && ++steps == Failing)
            {
                SpinWait.SpinUntil(() => consumer!.Stream.Published == Failing - 1, Patience);
                throw new IOException("The device is gone.");
            }
        });
        consumer = new SteppedConsumer(engine, Question);
        Exception fault = StepUntilFault(engine);
        engine.Loop.End(new EngineFaultedException(fault));
        consumer.Read();

        Assert.That(fault, Is.TypeOf<IOException>());
        Assert.That(consumer.Taken.Select(token => token.Id), Is.EqualTo(Alone().Take(Failing - 1)));
        Assert.That(consumer.Error, Is.TypeOf<EngineFaultedException>());
        Assert.That(consumer.Stream.FinishReason, Is.EqualTo(FinishReason.Failed));
    }

    [Test]
    public void Books_that_are_found_wrong_while_a_step_computes_end_the_engine_when_the_device_has_come_to_its_end()
    {
        int begun = 0;
        int ended = 0;
        using SteppedEngine engine = Engine(operation =>
        {
            begun += operation == nameof(IBackend.BeginStep) ? 1 : 0;
            ended += operation == nameof(IBackend.EndStep) ? 1 : 0;
        });
        var consumer = new SteppedConsumer(engine, Question);
        engine.Loop.Step();
        Assert.That(engine.Loop.Parts.Pool.TryReserve(1), Is.True, "a page is promised to nobody");
        Exception fault = StepUntilFault(engine);

        Assert.That(fault, Is.TypeOf<InvalidOperationException>().With.Message.Contains("promised"));
        Assert.That((begun, ended), Is.EqualTo((2, 2)));
        engine.Loop.End(new EngineFaultedException(fault));
        consumer.Read();
        Assert.That(consumer.Taken.Select(token => token.Id), Is.EqualTo(Alone().Take(1)));
        Assert.That(consumer.Error, Is.TypeOf<EngineFaultedException>());
    }

    /// <summary>What a disposed engine has chosen reaches its consumer in either order of the stages.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public async Task An_engine_that_is_disposed_while_a_step_computes_ends_its_streams_with_all_that_was_chosen(bool overlaps)
    {
        using var reached = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        int steps = 0;
        LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 1L << 20)
            .ConfigureScheduling(scheduling => scheduling.OverlapPublishing = overlaps)
            .CheckInvariants()
            .UseBackend((rows, outputs) => new InterceptedBackend(new ReferenceBackend(rows, outputs), operation =>
            {
                if (operation == nameof(IBackend.EndStep) && ++steps == 3)
                {
                    reached.Set();
                    goesOn.Wait(Patience);
                }
            }))
            .BuildAsync();
        var tokens = new List<int>();
        GenerationStream stream = engine.GenerateAsync(Question);
        Task reading = Task.Run(async () =>
        {
            await foreach (GeneratedToken token in stream)
            {
                tokens.Add(token.Id);
            }
        });
        Assert.That(reached.Wait(Patience), Is.True);
        Task disposal = engine.DisposeAsync().AsTask();
        goesOn.Set();

        await Assert.ThatAsync(() => reading.WaitAsync(Patience), Throws.TypeOf<EngineDisposedException>());
        await disposal.WaitAsync(Patience);
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Disposed));
        Assert.That(tokens, Is.EqualTo(Alone().Take(3)));
    }

    /// <summary>An ending that waits to be told while the engine fails is told as it was.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void A_request_that_had_ended_before_the_engine_failed_keeps_its_ending(bool overlaps)
    {
        bool fails = false;
        using SteppedEngine engine = Engine(
            operation =>
            {
                if (fails && operation is nameof(IPageMemory.Write) or nameof(IPageMemory.WriteBeside))
                {
                    throw new IOException("The device is gone.");
                }
            },
            adapter: "r1",
            overlaps: overlaps);
        Answer complete = engine.Ask(Question with { MaxTokens = 1 });
        engine.StepUntil(() => engine.Loop.Running.Any(sequence => sequence.Finished is not null));
        Answer next = engine.Ask(Question with { Adapter = "r1" });
        fails = true;
        Exception fault = StepUntilFault(engine);
        engine.Loop.End(new EngineFaultedException(fault));

        Assert.That(complete.Tokens, Is.EqualTo(Alone().Take(1)));
        Assert.That(complete.Stream.FinishReason, Is.EqualTo(FinishReason.Length));
        Assert.That(next.Error, Is.TypeOf<EngineFaultedException>());
    }

    [Test]
    public void A_hook_that_throws_ends_its_own_request_with_the_tokens_before_and_a_listener_that_throws_nobodys()
    {
        using var listener = new StepListener(() => throw new HostFault());
        using SteppedEngine engine =
            Engine(_ => { }, builder => builder.ConfigureMetrics(metrics => metrics.MeterFactory = listener));
        var failing = new SteppedConsumer(
            engine, Question with { LogitsHook = new FaultyHost(_ => throw new FormatException("The hook is broken.")) });
        Answer other = engine.Ask(Question);
        engine.Finish(other);
        engine.StepUntil(() => failing.Stream.FinishReason is not null);
        failing.Read();

        Assert.That(other.Tokens, Is.EqualTo(Alone()));
        Assert.That(failing.Taken.Select(token => token.Id), Is.EqualTo(Alone().Take(2)));
        Assert.That(failing.Error, Is.TypeOf<FormatException>());
    }

    /// <summary>A token that is not published yet is unread: with room for one, nobody is ever ahead of his consumer by two.</summary>
    [Test]
    public async Task Streams_with_room_for_one_token_get_all_of_theirs()
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 1L << 20)
            .ConfigureScheduling(scheduling => (scheduling.StreamBuffer, scheduling.OverlapPublishing) = (1, true))
            .CheckInvariants()
            .BuildAsync();
        Task<List<int>>[] answers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var tokens = new List<int>();
            await foreach (GeneratedToken token in engine.GenerateAsync(Question with { MaxTokens = 40 }))
            {
                tokens.Add(token.Id);
            }

            return tokens;
        }))];

        Assert.That(await Task.WhenAll(answers).WaitAsync(Patience), Is.All.EqualTo(Alone(40)));
    }

    private static SteppedEngine Engine(
        Action<string> before, Action<LoraServingEngineBuilder>? configure = null, string? adapter = null, bool overlaps = true) => new(
        builder =>
        {
            builder.UseBackend((rows, outputs) => new InterceptedBackend(new ReferenceBackend(rows, outputs), before));
            configure?.Invoke(builder);
        },
        adapters: adapter is null ? [] : [adapter],
        overlaps: overlaps);

    private static IReadOnlyList<int> Alone(int maxTokens = 6)
    {
        using var engine = new SteppedEngine();
        Answer answer = engine.Ask(Question with { MaxTokens = maxTokens });
        engine.Finish(answer);
        return answer.Tokens;
    }

    private static Exception StepUntilFault(SteppedEngine engine)
    {
        try
        {
            for (int steps = 0; steps < 1000; steps++)
            {
                engine.Loop.Step();
            }
        }
        catch (Exception fault)
        {
            return fault;
        }

        throw new AssertionException("Nothing failed.");
    }

    /// <summary>Hears of every step that is shown to the outside.</summary>
    private sealed class StepListener : IMeterFactory
    {
        private readonly MeterListener _listener = new();
        private Meter? _meter;

        public StepListener(Action stepped)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, this) && instrument.Name == "slora.step.duration")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>((_, _, _, _) => stepped());
            _listener.Start();
        }

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            return _meter = new Meter(options);
        }

        public void Dispose()
        {
            _listener.Dispose();
            _meter?.Dispose();
        }
    }

    private sealed class CallingHook(Action called) : ILogitsHook
    {
        public void Apply(LogitsContext context, Span<float> logits) => called();
    }
}
