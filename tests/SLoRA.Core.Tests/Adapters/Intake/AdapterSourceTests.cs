using System.Collections.Concurrent;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Adapters that nobody registered and a source brings.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterSourceTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 8, IgnoreEndOfText = true };

    [Test]
    public void An_unknown_name_is_asked_for_once_and_all_who_wait_are_served()
    {
        var source = new ManualSource();
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source));
        Answer[] answers = [.. Enumerable.Range(0, 5).Select(_ => engine.Ask(Question with { Adapter = "qv" }))];
        engine.Loop.Step();
        Assert.That(engine.Adapters.Count, Is.EqualTo(0), "not registered before the source has answered");

        source.Answer("qv", AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder("qv")));
        engine.Finish(answers);

        Assert.That(answers.Select(answer => answer.Tokens), Is.All.EqualTo(Registered("qv")));
        Assert.That(source.Asked, Is.EqualTo(new[] { "qv" }));
        Assert.That(engine.Adapters.List().Single(), Has.Property("Name").EqualTo("qv").And.Property("TotalRequests")
            .EqualTo(5).And.Property("Tier").EqualTo(AdapterTier.Device));
    }

    [Test]
    public void Tensors_from_a_source_are_dropped_and_asked_for_again()
    {
        var source = new DelegateSource(_ => AdapterOrigin.FromTensors(TestTensors.Of("qv")));
        using var engine =
            new SteppedEngine(builder => builder.UseAdapterSource(source).ConfigureAdapters(options => options.HostBytes = 0));
        IReadOnlyList<int> first = AnswerOf(engine, "a");
        Assert.That(engine.Run(engine.Adapters.EvictAsync("a")).IsEvicted, Is.True);

        Assert.That(AnswerOf(engine, "a"), Is.EqualTo(first));
        Assert.That(source.Asked, Is.EqualTo(2));
    }

    [Test]
    public void What_the_source_does_not_know_is_not_found_and_may_appear_later()
    {
        AdapterOrigin? origin = null;
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(new DelegateSource(_ => origin)));
        Answer missing = engine.Ask(Question with { Adapter = "qv" });
        Answer other = engine.Ask(Question);
        engine.Finish(missing, other);
        Assert.That(missing.Error, Is.TypeOf<AdapterNotFoundException>().With.Property("Adapter").EqualTo("qv"));
        Assert.That(other.Tokens, Has.Count.EqualTo(8));
        Assert.That(engine.Loop.Names.Current, Is.Empty, "names that nobody has leave nothing behind");

        origin = AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder("qv"));

        Assert.That(AnswerOf(engine, "qv"), Is.EqualTo(Registered("qv")));
    }

    [Test]
    public void A_source_that_fails_fails_the_requests_for_that_name_alone()
    {
        var clock = new ManualClock();
        var source = new DelegateSource(name => name == "bad"
            ? throw new TimeZoneNotFoundException("the database is down")
            : AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder(name)));
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source).UseTimeProvider(clock));
        Answer bad = engine.Ask(Question with { Adapter = "bad" });
        Answer good = engine.Ask(Question with { Adapter = "qv" });
        engine.Finish(bad, good);
        Assert.That(
            bad.Error,
            Is.TypeOf<AdapterLoadException>().With.Message.Contains(
                "the database is down").And.InnerException.TypeOf<TimeZoneNotFoundException>());
        Assert.That(good.Tokens, Is.EqualTo(Registered("qv")));

        Answer again = engine.Ask(Question with { Adapter = "bad" });
        engine.Finish(again);
        Assert.That(again.Error!.InnerException, Is.SameAs(bad.Error!.InnerException), "a storm of requests does not reach the source");
        Assert.That(source.Asked, Is.EqualTo(2));
    }

    [Test]
    public void A_source_that_never_answers_fails_its_requests_at_the_time_limit()
    {
        var clock = new ManualClock();
        var source = new ManualSource();
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source).UseTimeProvider(clock)
            .ConfigureAdapters(options => options.LoadTimeout = TimeSpan.FromSeconds(5)));
        Answer answer = engine.Ask(Question with { Adapter = "qv" });
        engine.Loop.Step();
        source.Called.Wait();
        while (answer.Stream.FinishReason is null)
        {
            clock.Advance(TimeSpan.FromSeconds(5));
            engine.Loop.Step();
        }

        Assert.That(answer.Error, Is.TypeOf<AdapterLoadException>().With.Message.Contains("timed out after 5 s"));
        source.Cancelled.Wait();
    }

    [Test]
    public void A_cancelled_request_ends_the_question()
    {
        var source = new ManualSource();
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source));
        using var cancellation = new CancellationTokenSource();
        Answer answer = engine.Ask(Question with { Adapter = "qv" }, cancellation.Token);
        engine.Loop.Step();
        source.Called.Wait();

        cancellation.Cancel();
        engine.Finish(answer);

        Assert.That(answer.Error, Is.InstanceOf<OperationCanceledException>());
        source.Cancelled.Wait();
    }

    [Test]
    public void Names_that_a_source_brought_are_forgotten_beyond_the_bound_the_oldest_first()
    {
        var clock = new ManualClock();
        var source = new DelegateSource(_ => AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder("r1")));
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source).UseTimeProvider(clock)
            .ConfigureAdapters(options => options.MaxSourceNames = 8));
        engine.Run(engine.Adapters.RegisterAsync("own", SteppedEngine.AdapterFolder("r1")));
        for (int i = 0; i < 50; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            AnswerOf(engine, $"tenant{i}");
        }

        Assert.That(engine.Adapters.Count, Is.EqualTo(9));
        Assert.That(engine.Adapters.List()
            .Select(adapter => adapter.Name), Is.EquivalentTo(Enumerable.Range(42, 8).Select(i => $"tenant{i}").Append("own")));
        Assert.That(AnswerOf(engine, "tenant0"), Is.EqualTo(Registered("r1")), "asked for again");
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1), "they all had one content");
    }

    [Test]
    public void Registering_wins_over_the_source()
    {
        var source = new DelegateSource(_ => AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder("r1")));
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source), adapters: ["qv"]);

        Assert.That(AnswerOf(engine, "qv"), Is.EqualTo(Registered("qv")));
        Assert.That(source.Asked, Is.EqualTo(0));
    }

    [Test]
    public void A_request_that_is_too_large_for_what_the_source_brings_is_refused_with_the_numbers()
    {
        var source = new DelegateSource(_ => AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder("wide")));
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source).ConfigurePool(pool => pool.Bytes = 29 * 12288));
        Answer large = engine.Ask(Question with { Adapter = "wide" });
        Answer other = engine.Ask(Question);
        engine.Finish(large, other);

        Assert.That(large.Error, Is.TypeOf<RequestTooLargeException>().With.Property("AdapterPages").EqualTo(28).And.Property("TotalPages")
            .EqualTo(29));
        Assert.That(other.Tokens, Has.Count.EqualTo(8));
    }

    [Test]
    public void What_could_never_fit_into_the_pool_is_refused_by_its_headers_before_it_is_read()
    {
        using var copy = new CopiedAdapter("wide");
        byte[] tensors = File.ReadAllBytes(copy.TensorFile);
        tensors.AsSpan(^4).Fill(0xFF);
        File.WriteAllBytes(copy.TensorFile, tensors);
        using var engine = new SteppedEngine(
            builder => builder.UseAdapterSource(new DelegateSource(_ => AdapterOrigin.FromFolder(copy.Path)))
                .ConfigurePool(pool => pool.Bytes = 20 * 12288));
        Answer large = engine.Ask(Question with { Adapter = "wide" });
        engine.Finish(large);

        Assert.That(
            large.Error,
            Is.TypeOf<AdapterTooLargeException>().With.Property("Pages").EqualTo(28).And.Property("TotalPages").EqualTo(20),
            "reading it would have found that its last value is NaN");
    }

    [Test]
    public void Names_that_the_source_does_not_answer_hold_nobody_elses_place()
    {
        var source = new ManualSource();
        using var engine = new SteppedEngine(builder => builder.UseAdapterSource(source).UseTimeProvider(new ManualClock()));
        source.Answer("qv", AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder("qv")));
        Answer[] hanging = [.. Enumerable.Range(0, 40).Select(i => engine.Ask(Question with { Adapter = $"slow{i}" }))];

        Answer healthy = engine.Ask(Question with { Adapter = "qv" });
        bool isServed = SpinWait.SpinUntil(
            () =>
            {
                engine.Loop.Step();
                return healthy.Stream.FinishReason is not null;
            },
            TimeSpan.FromMinutes(1));

        Assert.That(isServed, Is.True);
        Assert.That(healthy.Tokens, Is.EqualTo(Registered("qv")));
        Assert.That(hanging.Select(answer => answer.Stream.FinishReason), Is.All.Null);
    }

    [Test]
    public void The_engine_ends_while_a_source_is_asked()
    {
        var engine = new SteppedEngine(builder => builder.UseAdapterSource(new ManualSource()));
        Answer answer = engine.Ask(Question with { Adapter = "qv" });
        engine.Loop.Step();

        engine.Dispose();

        Assert.That(answer.Error, Is.TypeOf<EngineDisposedException>());
    }

    private static IReadOnlyList<int> Registered(string adapter)
    {
        using var engine = new SteppedEngine(adapters: [adapter]);
        return AnswerOf(engine, adapter);
    }

    private static IReadOnlyList<int> AnswerOf(SteppedEngine engine, string adapter)
    {
        Answer answer = engine.Ask(Question with { Adapter = adapter });
        engine.Finish(answer);
        return answer.Tokens;
    }

    private sealed class DelegateSource(Func<string, AdapterOrigin?> find) : IAdapterSource
    {
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            return ValueTask.FromResult(find(name));
        }
    }

    /// <summary>Answers when the test says so.</summary>
    private sealed class ManualSource : IAdapterSource
    {
        private readonly ConcurrentDictionary<string, TaskCompletionSource<AdapterOrigin?>> _answers = new();
        private readonly ConcurrentQueue<string> _asked = new();

        public ManualResetEventSlim Called { get; } = new();

        public ManualResetEventSlim Cancelled { get; } = new();

        public IEnumerable<string> Asked => _asked;

        public void Answer(string name, AdapterOrigin? origin) => Of(name).SetResult(origin);

        public async ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
        {
            _asked.Enqueue(name);
            Called.Set();
            try
            {
                return await Of(name).Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Cancelled.Set();
                throw;
            }
        }

        private TaskCompletionSource<AdapterOrigin?> Of(string name) =>
            _answers.GetOrAdd(name, _ => new TaskCompletionSource<AdapterOrigin?>());
    }
}
