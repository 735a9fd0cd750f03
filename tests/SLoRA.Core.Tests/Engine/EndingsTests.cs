using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Every way a request can end, in every phase: what the caller sees and that everything it held is back.</summary>
/// <param name="overlaps">Whether a step publishes while the next one computes.</param>
[TestFixture(false)]
[TestFixture(true)]
[Parallelizable(ParallelScope.All)]
public sealed class EndingsTests(bool overlaps)
{
    private static readonly int[] Prompt = [.. Enumerable.Range(3, 40)];

    private static readonly string[] Kinds = [.. ModelKind.All.Keys.Order(StringComparer.Ordinal)];

    private static readonly string[] Phases = ["queued", "reading", "page-in", "prefill", "decode", "branches"];

    [TestCaseSource(nameof(Kinds))]
    public void A_stop_token_ends_the_answer_and_is_no_part_of_it(string kind)
    {
        using SteppedEngine engine = ModelKind.All[kind].Engine(_ => { }, overlaps: overlaps);
        IReadOnlyList<int> free =
            Finished(engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 10, IgnoreEndOfText = true }).Tokens;

        Answer stopped =
            Finished(engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 10, IgnoreEndOfText = true, StopTokens = [free[4]] });

        Assert.That(stopped.Tokens, Is.EqualTo(free.TakeWhile(token => token != free[4])));
        Assert.That(stopped.Stream.FinishReason, Is.EqualTo(FinishReason.StopToken));
        AssertNothingHeld(engine);
    }

    [TestCaseSource(nameof(Kinds))]
    public void The_limit_of_tokens_ends_the_answer(string kind)
    {
        using SteppedEngine engine = ModelKind.All[kind].Engine(_ => { }, overlaps: overlaps);
        Answer answer = Finished(engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 3, IgnoreEndOfText = true });

        Assert.That(answer.Tokens, Has.Count.EqualTo(3));
        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.Length));
        Assert.That(answer.Stream.Usage, Has.Property("PromptTokens").EqualTo(40).And.Property("GeneratedTokens").EqualTo(3));
    }

    [Test]
    public void A_condition_ends_the_answer_with_the_token_that_meets_it()
    {
        using var engine = new SteppedEngine(overlaps: overlaps);
        Answer answer = Finished(
            engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 9, IgnoreEndOfText = true, StopCondition = new After(4) });

        Assert.That(answer.Tokens, Has.Count.EqualTo(4));
        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.StopCondition));
    }

    [Test]
    public void One_condition_serves_several_requests_and_each_of_their_continuations()
    {
        using var engine = new SteppedEngine(overlaps: overlaps);
        var asked = new GenerationRequest
        {
            Prompt = Prompt,
            MaxTokens = 9,
            IgnoreEndOfText = true,
            Continuations = 2,
            StopCondition = new After(4)
        };
        Answer first = Finished(engine, asked);
        Answer second = Finished(engine, asked);

        foreach (Answer answer in new[] { first, second })
        {
            Assert.That(answer.Tokens, Has.Count.EqualTo(8));
            Assert.That(answer.Stream.FinishReasons, Is.All.EqualTo(FinishReason.StopCondition));
        }
    }

    [Test]
    public void A_condition_for_stop_strings_is_reported_as_one_and_sees_the_prompt()
    {
        using var engine = new SteppedEngine(overlaps: overlaps);
        var condition = new After(2) { Reason = FinishReason.StopString };
        Answer answer =
            Finished(engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 9, IgnoreEndOfText = true, StopCondition = condition });

        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.StopString));
        Assert.That(condition.Prompts, Is.EqualTo(new[] { Prompt }));
    }

    [Test]
    public void A_condition_that_claims_another_reason_or_shares_a_matcher_is_refused_at_the_call()
    {
        using var engine = new SteppedEngine(overlaps: overlaps);
        var shared = new Shared();
        var asked = new GenerationRequest { Prompt = Prompt, Continuations = 2 };

        Assert.That(() => engine.Ask(asked with { StopCondition = new After(1) { Reason = FinishReason.Failed } }),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains("Failed"));
        Assert.That(() => engine.Ask(asked with { StopCondition = shared }),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains("continuation 1"));
    }

    [Test]
    public void Cancelling_ends_the_request_within_one_step(
        [ValueSource(nameof(Kinds))] string kind, [ValueSource(nameof(Phases))] string phase)
    {
        using SteppedEngine engine = InPhase(kind, phase, out Answer answer, out CancellationTokenSource cancellation);
        cancellation.Cancel();
        engine.Loop.Step();

        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(answer.Error, Is.InstanceOf<OperationCanceledException>());
        AssertNothingHeld(engine);
    }

    [Test]
    public void A_deadline_ends_the_request_with_its_error(
        [ValueSource(nameof(Kinds))] string kind, [ValueSource(nameof(Phases))] string phase)
    {
        var clock = new ManualClock();
        using SteppedEngine engine = InPhase(kind, phase, out Answer answer, out _, clock);
        clock.Advance(TimeSpan.FromSeconds(5));
        engine.Loop.Step();

        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.Deadline));
        Assert.That(answer.Error, Is.TypeOf<DeadlineExceededException>());
        AssertNothingHeld(engine);
    }

    [Test]
    public void Disposing_the_engine_ends_every_stream(
        [ValueSource(nameof(Kinds))] string kind, [ValueSource(nameof(Phases))] string phase)
    {
        using SteppedEngine engine = InPhase(kind, phase, out Answer answer, out _);
        engine.Loop.End(new EngineDisposedException());

        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.Disposed));
        Assert.That(answer.Error, Is.TypeOf<EngineDisposedException>());
        Assert.That(engine.Loop.Snapshot().Sequences, Is.Empty);
        Assert.That(engine.Loop.Snapshot().Pool.Reserved, Is.EqualTo(0));
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_hook_that_throws_fails_its_request_and_no_other(string kind)
    {
        using SteppedEngine engine = ModelKind.All[kind].Engine(_ => { }, overlaps: overlaps);
        Answer failing = engine.Ask(new GenerationRequest { Prompt = Prompt, MaxTokens = 8, LogitsHook = new Throwing() });
        Answer other = engine.Ask(new GenerationRequest { Prompt = Prompt, MaxTokens = 8, IgnoreEndOfText = true });
        engine.Finish(failing, other);

        Assert.That(failing.Error, Is.TypeOf<FormatException>());
        Assert.That(failing.Stream.FinishReason, Is.EqualTo(FinishReason.Failed));
        Assert.That(other.Tokens, Has.Count.EqualTo(8));
        AssertNothingHeld(engine);
    }

    [Test]
    public void A_request_that_can_never_fit_is_refused_with_the_numbers()
    {
        using var engine = new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 3 * 12288), overlaps: overlaps);
        Answer answer = Finished(engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 30 });

        Assert.That(answer.Error, Is.TypeOf<RequestTooLargeException>().With.Property("CachePages").EqualTo(5).And.Property("TotalPages")
            .EqualTo(3));

        // 40 positions of the prompt are three pages of 16; what the last token would keep is not computed.
        Answer fitting = Finished(engine, new GenerationRequest { Prompt = Prompt, MaxTokens = 1, IgnoreEndOfText = true });
        Assert.That(fitting.Tokens, Has.Count.EqualTo(1));
        Assert.That(fitting.Stream.FinishReason, Is.EqualTo(FinishReason.Length));
    }

    [Test]
    public void A_full_queue_says_busy_and_takes_requests_again_when_it_has_room()
    {
        using var engine = new SteppedEngine(
            builder => builder.ConfigureScheduling(scheduling => scheduling.MaxWaiting = 2), overlaps: overlaps);
        var request = new GenerationRequest { Prompt = Prompt, MaxTokens = 2 };
        Answer first = engine.Ask(request);
        Answer second = engine.Ask(request);
        Answer third = engine.Ask(request);

        Assert.That(third.Error, Is.TypeOf<EngineBusyException>().With.Property("Limit").EqualTo(2));
        engine.Finish(first, second);
        Answer fourth = engine.Ask(request);
        engine.Finish(fourth);
        Assert.That(fourth.Error, Is.Null);
    }

    [Test]
    public async Task A_slow_consumer_pauses_its_own_sequence_only()
    {
        using var engine = new SteppedEngine(
            builder => builder.ConfigureScheduling(scheduling => scheduling.StreamBuffer = 2), overlaps: overlaps);
        var request = new GenerationRequest { Prompt = Prompt, MaxTokens = 12, IgnoreEndOfText = true };
        int maxTokens = 12;
        var stream = new GenerationStream(engine.Loop.Port, request, maxTokens, default);
        await using IAsyncEnumerator<GeneratedToken> slow = stream.GetAsyncEnumerator();
        ValueTask<bool> first = slow.MoveNextAsync();
        Answer quick = engine.Ask(request);
        for (int steps = 0; steps < 200; steps++)
        {
            engine.Loop.Step();
        }

        Assert.That(stream.Unread, Is.LessThanOrEqualTo(2));
        Assert.That(stream.FinishReason, Is.Null);
        engine.Finish(quick);
        Assert.That(quick.Tokens, Has.Count.EqualTo(12));

        var tokens = new List<int>();
        for (bool more = await first; more;)
        {
            tokens.Add(slow.Current.Id);
            ValueTask<bool> next = slow.MoveNextAsync();
            while (!next.IsCompleted)
            {
                engine.Loop.Step();
            }

            more = await next;
        }

        Assert.That(tokens, Is.EqualTo(quick.Tokens));
    }

    [Test]
    public void An_abandoned_enumeration_ends_the_request()
    {
        // With room for one token the sequence cannot run to its end before its consumer leaves.
        using var engine = new SteppedEngine(
            builder => builder.ConfigureScheduling(scheduling => scheduling.StreamBuffer = 1), overlaps: overlaps);
        var stream = new GenerationStream(
            engine.Loop.Port, new GenerationRequest { Prompt = Prompt, MaxTokens = 50, IgnoreEndOfText = true }, 50, default);
        Task<int> leaving = Task.Run(async () =>
        {
            await foreach (GeneratedToken token in stream)
            {
                return token.Id;
            }

            return -1;
        });
        while (!leaving.IsCompleted)
        {
            engine.Loop.Step();
        }

        Assert.That(leaving.Result, Is.GreaterThanOrEqualTo(0));
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        AssertNothingHeld(engine);
    }

    private static Answer Finished(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer;
    }

    /// <summary>An engine whose one request of interest has got as far as the phase says.</summary>
    private SteppedEngine InPhase(
        string kind, string phase, out Answer answer, out CancellationTokenSource cancellation, ManualClock? clock = null)
    {
        ModelKind model = ModelKind.All[kind];
        SteppedEngine engine = model.Engine(
            builder => builder.UseTimeProvider(clock ?? TimeProvider.System)
                .ConfigureAdapters(adapters => adapters.PageInShare = 1)
                .ConfigureScheduling(scheduling => scheduling.MaxRunning = phase == "queued" ? 1 : 8),
            chunkLimit: () => 8,
            overlaps: overlaps,
            backend: (rows, outputs) => new CountingBackend(rows, outputs, phase == "page-in" ? pages => new LatePages(pages) : null));
        string content = model.AllContents[phase.Length % model.AllContents.Length];
        engine.Run(engine.Adapters.RegisterAsync("a", model.AdapterFolder(content)));
        if (phase is "queued" or "page-in")
        {
            // What takes the only place, or makes steps for which no copy is waited for.
            engine.Ask(new GenerationRequest { Prompt = Prompt, MaxTokens = 200, IgnoreEndOfText = true });
            engine.Loop.Step();
        }

        cancellation = new CancellationTokenSource();
        var request = new GenerationRequest
        {
            Prompt = Prompt,
            Adapter = "a",
            MaxTokens = 100,
            IgnoreEndOfText = true,
            Deadline = clock is null ? null : TimeSpan.FromSeconds(5),
            Continuations = phase == "branches" ? 4 : 1,
            StopCondition = phase == "branches" ? new HalfFinished() : null,
        };
        answer = engine.Ask(request, cancellation.Token);
        GenerationStream stream = answer.Stream;
        engine.Loop.Step();
        engine.StepUntil(() => IsIn(phase, engine, stream) || stream.FinishReason is not null);
        Assert.That(stream.FinishReason, Is.Null, $"the phase '{phase}' is reached before the end");
        return engine;
    }

    /// <summary>Whether a request is where the phase says.</summary>
    private static bool IsIn(string phase, SteppedEngine engine, GenerationStream stream)
    {
        SLoRA.Sequences.Sequence[] running = [.. engine.Loop.Running.Where(sequence => sequence.Request.Stream == stream)];
        SLoRA.Sequences.Sequence[] waiting = [.. engine.Loop.Waiting.Where(sequence => sequence.Request.Stream == stream)];
        return phase switch
        {
            "queued" => running is [] && waiting is [_] && engine.Loop.Running is [_],
            "reading" => running is [] && waiting is [{ Leases: [{ HasContent: false }] }] && engine.Loop.Running is [],
            "page-in" => running is [{ Computed: 0 }] && waiting is [] && engine.Loop.DeviceCache.PagingIn is [_],
            "prefill" => running is [{ Computed: >= 16 and < 40, Count: 40 }] && waiting is [],
            "decode" => running is [{ Computed: >= 44 }] && waiting is [],
            "branches" => running is [{ Continuation: 0, Computed: > 44 }, { Continuation: 3, Computed: > 44 }] && waiting is [],
            _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "There is no such phase."),
        };
    }

    private static void AssertNothingHeld(SteppedEngine engine)
    {
        foreach (string name in engine.Adapters.List().Select(adapter => adapter.Name).ToArray())
        {
            AdapterStatus adapter = engine.Adapters.List().Single(candidate => candidate.Name == name);
            Assert.That(adapter.Requests, Is.EqualTo(0), $"requests that hold {name}");
        }

        foreach (SLoRA.Sequences.Sequence running in engine.Loop.Running.ToArray())
        {
            engine.Loop.Endings.Cancel(running.Request.Stream);
        }

        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total), "free pages");
        Assert.That(engine.Loop.Snapshot().Pool.Reserved, Is.EqualTo(0), "promised pages");
    }

    private sealed class After(int tokens) : IStopCondition
    {
        public FinishReason Reason { get; init; } = FinishReason.StopCondition;

        public List<int[]> Prompts { get; } = [];

        public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation)
        {
            Prompts.Add(prompt.ToArray());
            return new Matcher(tokens);
        }
    }

    private sealed class Matcher(int tokens) : IStopMatcher
    {
        private int _seen;

        public bool IsMet(int token) => ++_seen == tokens;
    }

    private sealed class Shared : IStopCondition, IStopMatcher
    {
        public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation) => this;

        public bool IsMet(int token) => false;
    }

    /// <summary>Lets continuations 1 and 2 end after three tokens.</summary>
    private sealed class HalfFinished : IStopCondition
    {
        public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation) => new Matcher(continuation is 1 or 2 ? 3 : int.MaxValue);
    }

    private sealed class Throwing : ILogitsHook
    {
        public void Apply(LogitsContext context, Span<float> logits) => throw new FormatException("The hook is broken.");
    }
}
