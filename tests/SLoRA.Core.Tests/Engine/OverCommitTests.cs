using NUnit.Framework;
using SLoRA.Core.Tests.Engine.Histories;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

/// <summary>More is admitted than fits: sequences are preempted and go on later, and their callers see nothing but time.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OverCommitTests
{
    private static readonly string[] Adapters = ["qv", "r1"];
    private static readonly string[] Kinds = [.. ModelKind.All["dense"].LoneContents, "later-lora-bias"];

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 100, IgnoreEndOfText = true };

    [TestCase(PreemptionMode.Recompute, true, false)]
    [TestCase(PreemptionMode.Recompute, false, false)]
    [TestCase(PreemptionMode.Swap, true, false)]
    [TestCase(PreemptionMode.Swap, false, false)]
    [TestCase(PreemptionMode.Auto, true, false)]
    [TestCase(PreemptionMode.Swap, false, true)]
    [TestCase(PreemptionMode.Recompute, false, true)]
    public void Preempted_requests_have_the_same_bits_as_each_alone(PreemptionMode mode, bool reuse, bool reference)
    {
        List<GenerationRequest> requests = Workload(reference ? 8 : 20);
        using SteppedEngine engine = Engine(mode, reuse, reference: reference);
        using SteppedEngine oracle = Engine(overCommit: false, reuse: false, pages: 200, reference: reference);
        List<(Answer Answer, LogitsRecord Logits)> asked = [];
        foreach (GenerationRequest request in requests)
        {
            var logits = new LogitsRecord(wholePrompt: asked.Count % 2 == 0);
            asked.Add((engine.Ask(request with { Tap = logits }), logits));
            engine.Loop.Step();
        }

        engine.Finish(asked.Select(entry => entry.Answer));

        for (int i = 0; i < requests.Count; i++)
        {
            var alone = new LogitsRecord(wholePrompt: i % 2 == 0);
            Answer expected = oracle.Ask(requests[i] with { Tap = alone });
            oracle.Finish(expected);
            Assert.That(asked[i].Answer.Tokens, Is.EqualTo(expected.Tokens), $"tokens of request {i}");
            Assert.That(asked[i].Logits.Rows, Is.EqualTo(alone.Rows), $"logits of request {i}");
        }

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        Assert.That(engine.Loop.Preemption.Counters.Swapped, mode == PreemptionMode.Recompute ? Is.Zero : Is.GreaterThan(0));
        AssertAllFree(engine);
    }

    [Test]
    public void However_far_it_looks_ahead_a_sequence_is_promised_no_more_than_its_limit()
    {
        using var engine =
            new SteppedEngine(builder =>
                builder.ConfigureScheduling(scheduling => (scheduling.OverCommit, scheduling.OverCommitLookahead) = (true, int.MaxValue)));
        Answer answer = engine.Ask(Question);
        engine.Finish(answer);

        Assert.That(answer.Tokens, Has.Count.EqualTo(100));
    }

    [Test]
    public void A_continuation_that_fails_while_its_sibling_is_swapped_out_ends_both_and_the_books_are_right()
    {
        using SteppedEngine engine = Engine(PreemptionMode.Swap, reuse: false);
        bool fails = false;
        var hook = new ThrowingHook(() => fails);
        Answer[] others = [.. Enumerable.Range(0, 3).Select(_ => engine.Ask(Question))];
        Answer answer = engine.Ask(Question with { Continuations = 2, LogitsHook = hook });

        bool IsSplit() => answer.Stream.FinishReason is null
            && engine.Loop.Waiting.Any(sequence => sequence.Swapped is not null && sequence.Request.Stream == answer.Stream)
            && engine.Loop.Running.Any(sequence => sequence.Request.Stream == answer.Stream);
        engine.StepUntil(() => IsSplit() || answer.Stream.FinishReason is not null);
        Assert.That(IsSplit(), Is.True, "one runs, one is swapped out");
        fails = true;
        engine.Finish([answer, .. others]);

        Assert.That(answer.Error, Is.TypeOf<NotSupportedException>());
        Assert.That(others.Select(other => other.Tokens.Count), Is.All.EqualTo(100));
        AssertAllFree(engine);
    }

    [Test]
    public void Without_it_nothing_is_ever_preempted()
    {
        using SteppedEngine engine = Engine(overCommit: false);
        Answer[] answers = [.. Enumerable.Range(0, 10).Select(_ => engine.Ask(Question))];
        engine.Finish(answers);

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.Zero);
    }

    [Test]
    public void It_runs_more_at_once_than_whole_limits_allow()
    {
        using SteppedEngine careful = Engine(overCommit: false);
        using SteppedEngine bold = Engine(pages: 24);
        foreach (SteppedEngine engine in (SteppedEngine[])[careful, bold])
        {
            for (int i = 0; i < 8; i++)
            {
                engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray() });
            }

            engine.Loop.Step();
        }

        Assert.That(careful.Loop.Running, Has.Count.EqualTo(3));
        Assert.That(bold.Loop.Running, Has.Count.GreaterThan(3));
    }

    [TestCase(PreemptionMode.Recompute)]
    [TestCase(PreemptionMode.Swap)]
    public void Continuations_that_are_preempted_repeat_what_they_are_alone(PreemptionMode mode)
    {
        GenerationRequest request = Question with
        {
            Prompt = Enumerable.Range(7, 37).ToArray(),
            Adapter = "qv",
            Continuations = 3,
            MaxTokens = 60,
            Sampling = new SamplingOptions { Temperature = 1.2f, Seed = 5 },
        };
        using SteppedEngine engine = Engine(mode);
        using SteppedEngine oracle = Engine(overCommit: false, reuse: false, pages: 200);
        Answer[] answers = [engine.Ask(Question), engine.Ask(request), engine.Ask(Question with { Adapter = "r1" }),
            engine.Ask(request with { Adapter = null })];
        engine.Finish(answers);
        Answer alone = oracle.Ask(request);
        oracle.Finish(alone);

        Assert.That(ByContinuation(answers[1]), Is.EqualTo(ByContinuation(alone)));
        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        AssertAllFree(engine);
    }

    [Test]
    public void The_oldest_is_never_preempted_and_the_latest_goes_first()
    {
        using SteppedEngine engine = Engine();
        Answer[] answers =
            [.. Enumerable.Range(0, 8).Select(i => engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray() }))];
        while (answers[0].Stream.FinishReason is null)
        {
            engine.Loop.Step();
            Sequence? first = engine.Loop.Running.FirstOrDefault(sequence => ReferenceEquals(sequence.Request.Stream, answers[0].Stream));
            Assert.That(first is not null || answers[0].Stream.FinishReason is not null);
            Assert.That(engine.Loop.Running.Select(sequence => sequence.Request.FirstAdmission), Is.Ordered);
        }

        engine.Finish(answers);
        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
    }

    [Test]
    public void Scenario_11_preemption_costs_less_than_computing_everything_twice()
    {
        using SteppedEngine engine = Engine(PreemptionMode.Recompute, reuse: false);
        Answer[] answers = [.. Enumerable.Range(0, 40)
            .Select(i => engine.Ask(Question with { Prompt = Enumerable.Range(i, 20 + i).ToArray(), Adapter = Adapters[i % 2] }))];
        engine.Finish(answers);
        long tokens = answers.Sum(answer => answer.Stream.Usage!.PromptTokens + answer.Stream.Usage.GeneratedTokens);

        Assert.That(engine.Loop.Preemption.Counters.TokensGivenUp, Is.GreaterThan(0).And.LessThan(tokens));
        TestContext.Out.WriteLine($"{engine.Loop.Preemption.Counters} of {tokens} tokens");
    }

    [TestCase(PreemptionMode.Recompute)]
    [TestCase(PreemptionMode.Swap)]
    public void Scenario_22_a_preempted_request_goes_on_with_its_own_generation(PreemptionMode mode)
    {
        GenerationRequest request = Question with { Adapter = "qv" };
        using SteppedEngine engine = Engine(mode);
        using SteppedEngine oracle = Engine(overCommit: false, reuse: false, pages: 200);
        Answer expected = oracle.Ask(request);
        oracle.Finish(expected);
        List<Answer> others =
            [.. Enumerable.Range(0, 6).Select(i => engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray() }))];
        Answer answer = engine.Ask(request);
        bool preempted = false;
        while (answer.Stream.FinishReason is null)
        {
            if (!engine.Loop.Step())
            {
                engine.Loop.Port.Wait();
            }

            if (!preempted && engine.Loop.Waiting.Any(sequence => ReferenceEquals(sequence.Request.Stream, answer.Stream)
                && sequence.Count > sequence.PromptLength))
            {
                preempted = true;
                engine.Loop.DeviceCache.EvictIdle();
                engine.Loop.PrefixCache!.Clear();
                engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
                others.Add(engine.Ask(request));
            }
        }

        engine.Finish(others);

        Assert.That(preempted, Is.True);
        Assert.That(answer.Tokens, Is.EqualTo(expected.Tokens));
        Assert.That(others[^1].Tokens, Is.Not.EqualTo(expected.Tokens), "the new content answers otherwise");
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(2 + Kinds.Length), "r1, those of other kinds and the new content");
        AssertAllFree(engine);
    }

    [TestCase(PreemptionMode.Recompute)]
    [TestCase(PreemptionMode.Swap)]
    public void Scenario_6_a_preempted_request_can_be_cancelled(PreemptionMode mode)
    {
        using SteppedEngine engine = Engine(mode);
        List<(Answer Answer, CancellationTokenSource Cancellation)> asked = [];
        for (int i = 0; i < 8; i++)
        {
            var cancellation = new CancellationTokenSource();
            asked.Add(
                (engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray(), Adapter = Adapters[i % 2] }, cancellation.Token),
                cancellation));
        }

        while (engine.Loop.Preemption.Counters.Preempted == 0)
        {
            engine.Loop.Step();
            Assert.That(asked.Any(entry => entry.Answer.Stream.FinishReason is null), "somebody is preempted before all have ended");
        }

        Sequence victim = engine.Loop.Waiting[0];
        (Answer answer, CancellationTokenSource source) =
            asked.Single(entry => ReferenceEquals(entry.Answer.Stream, victim.Request.Stream));
        source.Cancel();
        engine.Finish(answer);
        Assert.That(answer.Stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(victim.Swapped, Is.Null);
        engine.Finish(asked.Select(entry => entry.Answer));
        AssertAllFree(engine);
    }

    [TestCase(PreemptionMode.Recompute)]
    [TestCase(PreemptionMode.Swap)]
    public void Disposing_the_engine_ends_preempted_requests_too(PreemptionMode mode)
    {
        using SteppedEngine engine = Engine(mode);
        Answer[] answers = [.. Enumerable.Range(0, 8)
            .Select(i => engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray(), Adapter = Adapters[i % 2] }))];
        while (engine.Loop.Preemption.Counters.Preempted == 0)
        {
            engine.Loop.Step();
            Assert.That(answers.Any(answer => answer.Stream.FinishReason is null), "somebody is preempted before all have ended");
        }

        engine.Loop.End(new EngineDisposedException());

        Assert.That(answers.Select(answer => answer.Stream.FinishReason), Is.All.AnyOf(FinishReason.Disposed, FinishReason.Length));
        Assert.That(engine.Loop.Snapshot().SwapBlocks, Is.Zero);
        Assert.That(engine.Loop.Snapshot().Pool.Reserved, Is.Zero);
    }

    [Test]
    public async Task A_consumer_that_has_fallen_behind_gives_its_pages_to_those_who_go_on()
    {
        using SteppedEngine engine = Engine(streamBuffer: 8, adapters: false, pages: 16);
        GenerationStream slow = engine.Stream(Question);
        await using IAsyncEnumerator<GeneratedToken> consumer = slow.GetAsyncEnumerator();
        ValueTask<bool> next = consumer.MoveNextAsync();
        List<int> tokens = [];
        while (tokens.Count == 0)
        {
            engine.Loop.Step();
            if (next.IsCompleted && await next)
            {
                tokens.Add(consumer.Current.Id);
            }
        }

        // Nobody reads: it pauses, and a request that needs all 16 pages of 16 tokens is served, whenever its own consumer comes to read.
        Answer other = engine.Ask(Question with { MaxTokens = 254, Prompt = new[] { 1, 2 } });
        engine.Finish(other);
        Assert.That(other.Tokens, Has.Count.EqualTo(254));
        Assert.That(slow.FinishReason, Is.Null);

        next = consumer.MoveNextAsync();
        while (true)
        {
            while (!next.IsCompleted)
            {
                engine.Loop.Step();
            }

            if (!await next)
            {
                break;
            }

            tokens.Add(consumer.Current.Id);
            next = consumer.MoveNextAsync();
        }

        using SteppedEngine oracle = Engine(overCommit: false, reuse: false, pages: 200);
        Answer expected = oracle.Ask(Question);
        oracle.Finish(expected);
        Assert.That(tokens, Is.EqualTo(expected.Tokens));
        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
    }

    /// <summary>
    /// With room for one token a sequence has to wait after each, under overlapped publishing even before its consumer can see it. Its
    /// consumer is not behind for that, and nobody gets its pages.
    /// </summary>
    /// <remarks>
    /// The bound: who comes in leaves a page for everybody who runs and one more, so at least two pages are taken by answers before the
    /// last one has to go again.
    /// </remarks>
    [TestCase(false)]
    [TestCase(true)]
    public void Consumers_that_read_every_token_do_not_take_pages_from_each_other(bool overlaps)
    {
        const int Requests = 8;
        const int MaxTokens = 60;
        const int PageTokens = 16;
        const int Bound = Requests * ((MaxTokens / PageTokens) + 1) / 2;
        using SteppedEngine engine = Engine(streamBuffer: 1, reuse: false, overlaps: overlaps);
        SteppedConsumer[] consumers =
        [
            .. Enumerable.Range(0, Requests).Select(i => new SteppedConsumer(
                engine, Question with { Prompt = Enumerable.Range(i, 20 + (5 * i)).ToArray(), MaxTokens = MaxTokens })),
        ];
        while (consumers.Any(consumer => !consumer.IsDone))
        {
            engine.Loop.Step();
            foreach (SteppedConsumer consumer in consumers)
            {
                consumer.Settle();
                consumer.Read();
            }
        }

        Assert.That(consumers.Select(consumer => consumer.Taken.Count), Is.All.EqualTo(MaxTokens));
        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0), "there are too few pages for all");
        Assert.That(consumers.Select(consumer => consumer.Stream.Usage!.Preemptions), Is.All.LessThanOrEqualTo(Bound));
        AssertAllFree(engine);
    }

    /// <summary>Who waits behind consumers that take nothing gets their pages as soon as they could have seen their tokens.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void Consumers_that_take_nothing_give_their_pages_up_in_either_order_of_the_stages(bool overlaps)
    {
        using SteppedEngine engine = Engine(streamBuffer: 1, adapters: false, pages: 16, overlaps: overlaps);
        var slow = new SteppedConsumer(engine, Question) { IsStalled = true };
        engine.Loop.Step();
        slow.Settle();
        Answer other = engine.Ask(Question with { MaxTokens = 254, Prompt = new[] { 1, 2 } });
        engine.Finish(other);

        Assert.That(other.Tokens, Has.Count.EqualTo(254));
        Assert.That(slow.Stream.FinishReason, Is.Null);
        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.EqualTo(1));
        slow.IsStalled = false;
        while (!slow.IsDone)
        {
            slow.Settle();
            slow.Read();
            engine.Loop.Step();
        }

        Assert.That(slow.Taken, Has.Count.EqualTo(100));
    }

    [Test]
    public void Swapping_stays_within_its_bound_and_what_does_not_fit_is_computed_again()
    {
        using SteppedEngine engine = Engine(PreemptionMode.Swap, reuse: false, swapPages: 4);
        Answer[] answers =
            [.. Enumerable.Range(0, 12).Select(i => engine.Ask(Question with { Prompt = Enumerable.Range(i, 20).ToArray() }))];
        int most = 0;
        while (answers.Any(answer => answer.Stream.FinishReason is null))
        {
            engine.Loop.Step();
            most = Math.Max(most, engine.Loop.Snapshot().SwapBlocks);
        }

        Assert.That(most, Is.GreaterThan(0).And.LessThanOrEqualTo(4));
        Assert.That(engine.Loop.Preemption.Counters.TokensGivenUp, Is.GreaterThan(0));
        Assert.That(engine.Loop.Snapshot().SwapBlocks, Is.Zero);
    }

    [Test]
    public void Scenario_24_growth_and_adapters_race_for_the_last_pages()
    {
        // All that the oldest needs, and not a page more.
        using SteppedEngine probe = Engine(overCommit: false, pages: 200);
        Answer alone = probe.Ask(Question with { Adapter = "qv", MaxTokens = 230 });
        probe.Loop.Step();
        int pages = probe.Status.Pool.Total - probe.Status.Pool.Free + probe.Status.Pool.Reserved;
        probe.Finish(alone);

        using SteppedEngine engine = Engine(pages: pages);
        Answer[] answers = [.. Enumerable.Range(0, 6)
            .Select(i => engine.Ask(Question with { Adapter = i % 3 == 2 ? null : Adapters[i % 3], MaxTokens = i == 0 ? 230 : 60 }))];
        engine.Finish(answers);

        Assert.That(answers[0].Tokens, Is.EqualTo(alone.Tokens));
        Assert.That(answers.Select(answer => answer.Stream.FinishReason), Is.All.EqualTo(FinishReason.Length));
        AssertAllFree(engine);
    }

    private static Dictionary<int, string> ByContinuation(Answer answer) =>
        answer.Items.GroupBy(token => token.Continuation)
            .ToDictionary(group => group.Key, group => string.Join(' ', group.Select(token => token.Id)));

    /// <summary>Requests that together need several times the pool.</summary>
    private static List<GenerationRequest> Workload(int count)
    {
        var random = new Random(12);
        return [.. Enumerable.Range(0, count).Select(i => Question with
        {
            Prompt = Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(261)).ToArray(),
            MaxTokens = random.Next(1, 120),
            Adapter = i % 3 == 0 ? null : i % 3 == 1 ? Kinds[i / 3 % Kinds.Length] : Adapters[i % 2],
            Sampling = i % 4 == 0 ? new SamplingOptions { Temperature = 0.9f, Seed = i, RepetitionPenalty = 1.1f } : SamplingOptions.Greedy,
        })];
    }

    private static SteppedEngine Engine(
        PreemptionMode mode = PreemptionMode.Recompute, bool reuse = true, bool overCommit = true, int pages = 30, int swapPages = 1000,
        int streamBuffer = 1024,
        bool adapters = true, bool reference = false, bool overlaps = false) => new(
        builder =>
        {
            builder.ConfigurePool(pool =>
            {
                pool.Bytes = pages * 12288L;
                pool.PrefixReuse = reuse;
            }).ConfigureScheduling(scheduling =>
            {
                scheduling.MaxRowsPerStep = 32;
                scheduling.OverCommit = overCommit;
                scheduling.OverCommitLookahead = 8;
                scheduling.Preemption = mode;
                scheduling.SwapBytes = swapPages * 12288L;
                scheduling.StreamBuffer = streamBuffer;
            });
            if (reference)
            {
                builder.UseReference();
            }
        },
        adapters: adapters ? [.. Adapters, .. Kinds] : [], overlaps: overlaps);

    private static void AssertAllFree(SteppedEngine engine)
    {
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
        Assert.That(engine.Loop.Snapshot().SwapBlocks, Is.Zero);
    }

    private sealed class ThrowingHook(Func<bool> throws) : ILogitsHook
    {
        public void Apply(LogitsContext context, Span<float> logits)
        {
            if (throws())
            {
                throw new NotSupportedException("The hook has had enough.");
            }
        }
    }
}
