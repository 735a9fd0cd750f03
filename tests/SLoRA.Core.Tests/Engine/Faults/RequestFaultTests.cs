using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>
/// A fault at each boundary that belongs to one request: that one gets a typed error, every other stream goes on with the same bits, and
/// everything is given back.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class RequestFaultTests
{
    private static readonly GenerationRequest Question = new()
    {
        Prompt = Enumerable.Range(7, 20).ToArray(),
        MaxTokens = 24,
        IgnoreEndOfText = true,
        LogProbabilities = new LogProbabilityOptions(),
    };

    private static readonly string?[] Others = [null, "rslora", "r1"];
    private static readonly Lazy<TokenBits[][]> Quiet = new(() => [.. Others.Select(Alone)]);

    private static readonly (string Boundary, Type Error, Func<Scene, Answer> Fault)[] Rows =
    [
        ("reading a file fails", typeof(AdapterLoadException),
            scene => scene.AskFor(new FaultyPackage("bad", "qv", _ => throw new IOException("The disk fails.")))),
        ("there is no memory for the content", typeof(AdapterLoadException),
            scene => scene.AskFor(new FaultyPackage("bad", "qv", _ => throw new OutOfMemoryException()))),
        ("a weight is not a number", typeof(AdapterLoadException),
            scene => scene.AskFor(new FaultyPackage("bad", "qv", read => read.Fill(0xff)))),
        ("the hash is another one than before", typeof(AdapterLoadException), scene => scene.AskForChanged()),
        ("reading takes too long", typeof(AdapterLoadException), scene => scene.AskForHanging()),
        ("no timer can be set for a reading", typeof(AdapterLoadException),
            scene => scene.AskFor(new FaultyPackage("bad", "qv", _ => { }), timerless: true)),
        ("no timer can be set for a deadline", typeof(InvalidOperationException),
            scene => scene.Ask(Question with { Deadline = TimeSpan.FromSeconds(1) }, timerless: true)),
        ("the deadline passes", typeof(DeadlineExceededException), scene => scene.AskAndAdvance(TimeSpan.FromSeconds(1))),
        ("a hook throws", typeof(FormatException),
            scene => scene.Ask(Question with { LogitsHook = new FaultyHost(_ => throw new FormatException()) })),
        ("a hook leaves nothing to choose from", typeof(InvalidLogitsException),
            scene => scene.Ask(Question with { LogitsHook = new FaultyHost(logits => logits.Fill(float.NaN)) })),
        ("a hook throws for a continuation", typeof(FormatException),
            scene => scene.Ask(Question with { Continuations = 3, LogitsHook = new FaultyHost(_ => throw new FormatException()) })),
        ("a stop condition throws", typeof(FormatException),
            scene => scene.Ask(Question with { StopCondition = new FaultyHost(_ => throw new FormatException()) })),
        ("the consumer is cancelled", typeof(OperationCanceledException), scene => scene.AskAndCancel()),
        ("a name stands for nothing", typeof(AdapterNotFoundException), scene => scene.Ask(Question with { Adapter = "nobody" })),
        ("more pages than the pool has", typeof(RequestTooLargeException),
            scene => scene.Ask(Question with { MaxTokens = 200, Continuations = 12 })),
    ];

    private static IEnumerable<TestCaseData> Boundaries =>
        Rows.Select((row, place) => new TestCaseData(place).SetArgDisplayNames(row.Boundary));

    [TestCaseSource(nameof(Boundaries))]
    public void A_fault_is_its_own_requests_typed_error_and_no_others(int row)
    {
        (string boundary, Type error, Func<Scene, Answer> fault) = Rows[row];
        using var scene = new Scene();
        Answer[] others = [.. Others.Select(adapter => scene.Engine.Ask(Question with { Adapter = adapter }))];
        scene.Engine.Loop.Step();
        Answer victim = fault(scene);
        scene.Engine.Finish([victim, .. others]);

        Assert.That(victim.Error, Is.InstanceOf(error), boundary);
        Assert.That(others.Select(answer => TokenBits.InOrder(answer.Items)), Is.EqualTo(Quiet.Value), "the others");
        scene.Release();
        scene.Engine.DropCaches();
        Assert.That(scene.Engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(scene.Engine.Status.Pool.Total), "free pages");
        Assert.That(scene.Engine.Loop.Snapshot().Leases, Is.Empty);
    }

    [Test]
    public async Task A_consumer_that_throws_ends_its_own_request_and_no_other()
    {
        // With room for one token it cannot come to its end unread.
        using var scene = new Scene(streamBuffer: 1);
        Answer[] others = [.. Others.Select(adapter => scene.Engine.Ask(Question with { Adapter = adapter }))];
        GenerationStream stream = scene.Engine.Stream(Question);
        Task failing = Consume();
        scene.Engine.Finish(others);
        scene.Engine.StepUntil(() => stream.FinishReason is not null);

        await Assert.ThatAsync(() => failing, Throws.TypeOf<FormatException>());
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(others.Select(answer => TokenBits.InOrder(answer.Items)), Is.EqualTo(Quiet.Value));

        async Task Consume()
        {
            await foreach (GeneratedToken token in stream)
            {
                throw new FormatException($"The consumer does not like {token.Id}.");
            }
        }
    }

    private static TokenBits[] Alone(string? adapter)
    {
        using var scene = new Scene();
        Answer answer = scene.Engine.Ask(Question with { Adapter = adapter });
        scene.Engine.Finish(answer);
        return TokenBits.InOrder(answer.Items);
    }

    /// <summary>An engine with two adapters, and ways to go wrong.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly SwitchedClock _clock = new();
        private readonly List<GatedPackage> _gated = [];
        private readonly CopiedAdapter _copy = new("qv");

        public Scene(int streamBuffer = 1024) => Engine = new SteppedEngine(
            builder => builder.UseTimeProvider(_clock)
                .ConfigureScheduling(scheduling => scheduling.StreamBuffer = streamBuffer)
                .ConfigurePool(pool => pool.Bytes = 64 * EngineHistory.PageBytes), adapters: ["rslora", "r1"]);

        public SteppedEngine Engine { get; }

        public Answer Ask(GenerationRequest request, bool timerless = false)
        {
            _clock.HasTimers = !timerless;
            Answer answer = Engine.Ask(request);
            Engine.Loop.Step();
            if (timerless)
            {
                // A reader sets its timer on a thread of its own.
                Engine.StepUntil(() => answer.Stream.FinishReason is not null);
                _clock.HasTimers = true;
            }

            return answer;
        }

        public Answer AskFor(FaultyPackage package, bool timerless = false)
        {
            Engine.Register(package);
            return Ask(Question with { Adapter = package.Name }, timerless);
        }

        public Answer AskForChanged()
        {
            Engine.Run(Engine.Adapters.RegisterAsync("bad", _copy.Path));
            Answer first = Ask(Question with { Adapter = "bad", MaxTokens = 1 });
            Engine.StepUntil(() => first.Stream.FinishReason is not null);
            Assert.That(Engine.Run(Engine.Adapters.EvictAsync("bad")).IsEvicted, Is.True);
            _copy.FlipLastBit();
            return Ask(Question with { Adapter = "bad" });
        }

        public Answer AskForHanging()
        {
            var package = new GatedPackage("bad", SteppedEngine.AdapterFolder("qv"));
            _gated.Add(package);
            Engine.Register(package);
            Answer answer = Ask(Question with { Adapter = "bad" });
            package.Reached.Wait();
            _clock.Manual.Advance(TimeSpan.FromSeconds(30));
            return answer;
        }

        public Answer AskAndAdvance(TimeSpan deadline)
        {
            Answer answer = Ask(Question with { Deadline = deadline });
            _clock.Manual.Advance(deadline);
            return answer;
        }

        public Answer AskAndCancel()
        {
            using var cancellation = new CancellationTokenSource();
            Answer answer = Engine.Ask(Question, cancellation.Token);
            Engine.Loop.Step();
            cancellation.Cancel();
            return answer;
        }

        /// <summary>What hangs goes on.</summary>
        public void Release()
        {
            foreach (GatedPackage package in _gated)
            {
                package.Gate.Set();
            }

            SpinWait.SpinUntil(() => Engine.Intake.Lost == 0);
        }

        public void Dispose()
        {
            Release();
            Engine.Dispose();
            _copy.Dispose();
        }
    }

    /// <summary>A clock by hand whose timers can fail.</summary>
    private sealed class SwitchedClock : TimeProvider
    {
        private readonly TimerlessClock _timerless = new();

        public ManualClock Manual { get; } = new();

        public bool HasTimers { get; set; } = true;

        public override long TimestampFrequency => Manual.TimestampFrequency;

        public override long GetTimestamp() => Manual.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            (HasTimers ? (TimeProvider)Manual : _timerless).CreateTimer(callback, state, dueTime, period);
    }
}
