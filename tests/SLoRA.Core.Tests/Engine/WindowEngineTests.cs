using NUnit.Framework;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Models whose layers see the last positions only: pages behind them go back while a sequence runs. It answers as it does where all pages
/// stay, whoever runs beside it and whatever becomes of its pages, and needs no more of them than was promised.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class WindowEngineTests
{
    private static readonly string[] Models = [.. WindowModel.Models.Keys.Order(StringComparer.Ordinal)];
    private static readonly string[] Adapters = ["qv", "r1"];

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 40).ToArray(), MaxTokens = 150, IgnoreEndOfText = true };

    [Test]
    public void In_a_mix_requests_have_the_bits_that_each_has_alone_where_pages_stay(
        [ValueSource(nameof(Models))] string model, [Values(1, 7, null)] int? chunk, [Values] bool overlaps)
    {
        using SteppedEngine engine = WindowModel.Engine(
            model, builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 24),
            chunk is { } rows ? () => rows : null, Adapters, overlaps);
        AssertAsAlone(engine, model, Workload(10, 12), onReference: false);
    }

    [Test]
    public void On_the_reference_too([ValueSource(nameof(Models))] string model)
    {
        using SteppedEngine engine = WindowModel.Engine(
            model, builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 24), () => 9, Adapters,
            onReference: true);
        AssertAsAlone(engine, model, Workload(4, 3), onReference: true);
    }

    /// <summary>Short prompts with long answers: those who run outgrow the pool before their windows are full.</summary>
    [Test]
    public void Preempted_requests_have_the_bits_of_each_alone(
        [Values("wide windows", "wide chunks beside whole", "two windows")] string model,
        [Values(PreemptionMode.Recompute, PreemptionMode.Swap)] PreemptionMode mode, [Values] bool reuse)
    {
        using SteppedEngine engine = WindowModel.Engine(
            model,
            builder => builder
                .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (model == "two windows" ? 10 * 12288 : 16 * 12288, reuse))
                .ConfigureScheduling(scheduling =>
                {
                    (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption) = (true, 0, mode);
                    (scheduling.MaxRowsPerStep, scheduling.SwapBytes) = (16, 1000 * 12288);
                }));
        var random = new Random(4);
        int[] common = [.. Enumerable.Range(0, 20).Select(_ => random.Next(261))];

        AssertAsAlone(engine, model, onReference: false, requests: [.. Enumerable.Range(0, 16).Select(i => Question with
        {
            Prompt = (int[])[.. common[..random.Next(20)], i],
            MaxTokens = random.Next(40, 90),
        })]);

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        Assert.That(engine.Loop.Preemption.Counters.Swapped, mode == PreemptionMode.Recompute ? Is.Zero : Is.GreaterThan(0));
    }

    /// <summary>
    /// 189 tokens are twelve blocks of 16. What a step of 16 rows sees through a window of 12 are 27 positions, which lie in three blocks
    /// at most, as those of windows of 10, 7 and 5 do; through chunks of 20 and of 24 in four, through a window of 40 in five.
    /// </summary>
    [TestCase("windows", 3)]
    [TestCase("chunks", 4)]
    [TestCase("window beside whole", 12 + (2 * 3))]
    [TestCase("chunk beside window beside whole", 12 + 4 + 3)]
    [TestCase("two windows", (2 * 5) + 3)]
    public void A_long_sequence_is_promised_what_its_windows_need_and_needs_no_more(string model, int pages)
    {
        using SteppedEngine enough = Sized(pages), tooFew = Sized(pages - 1);
        using SteppedEngine oracle = WindowModel.Engine(model, keepsAll: true);
        Answer answer = enough.Ask(Question), next = enough.Ask(Question with { CacheSalt = "another" });
        Answer refused = tooFew.Ask(Question), expected = oracle.Ask(Question);
        enough.Loop.Step();
        Assert.That((enough.Loop.Running.Count, enough.Loop.Waiting.Count), Is.EqualTo((1, 1)));
        Assert.That(enough.Status.Pool.CacheInUse + enough.Status.Pool.Reserved, Is.EqualTo(pages), "all of it is promised");
        enough.Finish(answer, next);
        tooFew.Finish(refused);
        oracle.Finish(expected);

        Assert.That(answer.Tokens, Is.EqualTo(expected.Tokens));
        Assert.That(next.Tokens, Is.EqualTo(expected.Tokens));
        Assert.That(refused.Error, Is.TypeOf<RequestTooLargeException>().With.Property("CachePages").EqualTo(pages));
        AssertAllFree(enough);

        SteppedEngine Sized(int count) => WindowModel.Engine(model, builder => builder
            .ConfigurePool(pool => pool.Bytes = count * WindowModel.PageBytes(model))
            .ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 16));
    }

    [Test]
    public void What_no_row_sees_any_more_goes_back_while_the_sequence_runs_and_at_the_end_the_promise_does()
    {
        using SteppedEngine engine = WindowModel.Engine(
            "windows", builder => builder.ConfigurePool(pool => pool.PrefixReuse = false)
                .ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 16));
        Answer answer = engine.Ask(Question with { MaxTokens = 41 });
        engine.StepUntil(() => engine.Loop.Running is [{ Count: 65 }]);
        Sequence sequence = engine.Loop.Running[0];

        // 64 are computed, of which the row at position 64 sees those from 53 on.
        Assert.That((sequence.Table.FirstBlock(0), sequence.Table.Held(0).Length, sequence.Table.Reserved), Is.EqualTo((3, 1, 1)));
        engine.StepUntil(() => sequence.Count == 80);
        Assert.That((sequence.Table.FirstBlock(0), sequence.Table.Held(0).Length, sequence.Table.Reserved), Is.EqualTo((4, 1, 0)));
        Assert.That(engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Total - 1), "eighty tokens are the most it will ever have");
        engine.Finish(answer);
        AssertAllFree(engine);
    }

    /// <summary>A beginning is found by others long after its sequence has let it go, and by its own next turn.</summary>
    [TestCaseSource(nameof(Models))]
    public void What_was_let_go_is_found_again(string model)
    {
        using SteppedEngine engine = WindowModel.Engine(model), oracle = WindowModel.Engine(model, keepsAll: true);
        int[] common = [.. Enumerable.Range(7, 64)];
        Answer first = Finished(engine, Question with { Prompt = common });
        GenerationRequest beside = Question with { Prompt = (int[])[.. common, 3, 4, 5], MaxTokens = 30 };
        GenerationRequest turn = Question with { Prompt = (int[])[.. common, .. first.Tokens, 9], MaxTokens = 10 };
        Answer second = Finished(engine, beside), third = Finished(engine, turn);

        Assert.That(second.Stream.Usage!.CachedPromptTokens, Is.EqualTo(64));
        Assert.That(third.Stream.Usage!.CachedPromptTokens, Is.EqualTo(208), "64 and 150, of which the last was never computed");
        Assert.That(second.Tokens, Is.EqualTo(Finished(oracle, beside).Tokens));
        Assert.That(third.Tokens, Is.EqualTo(Finished(oracle, turn with { CacheSalt = "alone" }).Tokens));
        AssertAllFree(engine);
    }

    /// <summary>Those who share a beginning all let it go sooner or later, in a pool that has no page to spare.</summary>
    [Test]
    public void Sequences_that_share_what_they_let_go_all_find_the_pages_that_they_were_promised(
        [ValueSource(nameof(Models))] string model)
    {
        using SteppedEngine oracle = WindowModel.Engine(model, keepsAll: true);
        int most = new[] { 60, 31, 120, 8, 77 }.Length;
        for (int pages = 18; pages < 60; pages += 7)
        {
            int count = pages;
            using SteppedEngine engine = WindowModel.Engine(
                model,
                builder => builder
                    .ConfigurePool(pool => pool.Bytes = count * WindowModel.PageBytes(model))
                    .ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 16));
            var asked = new List<(GenerationRequest Request, Answer Answer)>();
            for (int i = 0; i < most; i++)
            {
                GenerationRequest request = Question with
                {
                    Prompt = (int[])[.. Enumerable.Range(7, 33), i],
                    MaxTokens = new[] { 60, 31, 120, 8, 77 }[i],
                    Continuations = i % 2 == 0 ? 1 : 2,
                };
                asked.Add((request, engine.Ask(request)));
                for (int step = 0; step < 4; step++)
                {
                    engine.Loop.Step();
                }
            }

            engine.Finish(asked.Select(one => one.Answer));
            foreach ((GenerationRequest request, Answer answer) in asked.Where(one => one.Answer.Error is null))
            {
                Answer alone = Finished(oracle, request with { Continuations = 1 });
                foreach (IGrouping<int, GeneratedToken> continuation in answer.Items.GroupBy(token => token.Continuation))
                {
                    Assert.That(continuation.Select(token => token.Id), Is.EqualTo(alone.Tokens));
                }
            }

            Assert.That(asked.Count(one => one.Answer.Error is null), Is.GreaterThan(2));
            AssertAllFree(engine);
        }
    }

    private static Answer Finished(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer;
    }

    private static void AssertAsAlone(SteppedEngine engine, string model, List<GenerationRequest> requests, bool onReference)
    {
        using SteppedEngine oracle = WindowModel.Engine(
            model, builder => builder.ConfigurePool(pool => pool.PrefixReuse = false), adapters: Adapters, keepsAll: true,
            onReference: onReference);
        List<(Answer Answer, LogitsRecord? Logits)> asked = [];
        foreach (GenerationRequest request in requests)
        {
            LogitsRecord? logits = request.Continuations == 1 ? new LogitsRecord(wholePrompt: asked.Count % 2 == 0) : null;
            asked.Add((engine.Ask(request with { Tap = logits }), logits));
            engine.Loop.Step();
        }

        engine.Finish(asked.Select(entry => entry.Answer));
        for (int i = 0; i < requests.Count; i++)
        {
            LogitsRecord? alone = asked[i].Logits is null ? null : new LogitsRecord(wholePrompt: i % 2 == 0);
            Answer expected = oracle.Ask(requests[i] with { Tap = alone });
            oracle.Finish(expected);
            Assert.That(InOrder(asked[i].Answer), Is.EqualTo(InOrder(expected)), $"tokens of request {i}");
            Assert.That(asked[i].Logits?.Rows, Is.EqualTo(alone?.Rows), $"logits of request {i}");
        }

        AssertAllFree(engine);
    }

    private static List<GenerationRequest> Workload(int count, int seed)
    {
        var random = new Random(seed);
        int[] common = [.. Enumerable.Range(0, 60).Select(_ => random.Next(261))];
        return [.. Enumerable.Range(0, count).Select(i => Question with
        {
            Prompt = (int[])[.. common[..random.Next(60)], .. Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(261))],
            MaxTokens = random.Next(1, 60),
            Continuations = i % 4 == 3 ? 3 : 1,
            Adapter = i % 3 == 0 ? null : Adapters[i % 2],
            Sampling = i % 4 == 3 ? new SamplingOptions { Temperature = 0.9f, Seed = i } : SamplingOptions.Greedy,
        })];
    }

    private static int[] InOrder(Answer answer) =>
        [.. answer.Items.OrderBy(token => token.Continuation).ThenBy(token => token.Index).Select(token => token.Id)];

    private static void AssertAllFree(SteppedEngine engine)
    {
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
        Assert.That((engine.Loop.Snapshot().Pool.Reserved, engine.Loop.Snapshot().SwapBlocks), Is.EqualTo((0, 0)));
    }
}
