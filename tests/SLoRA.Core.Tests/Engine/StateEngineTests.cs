using NUnit.Framework;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// A model that keeps a state of every sequence: whoever runs beside a sequence, however its prompt is cut, and whatever becomes of its
/// pages, it answers as it does alone, and all pages come back.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class StateEngineTests
{
    private static readonly string[] Adapters = ["qv", "r1"];

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 40, IgnoreEndOfText = true };

    [Test]
    public void The_states_are_part_of_the_answer()
    {
        using SteppedEngine plain = new(builder => builder.UseReference());
        using SteppedEngine engine = StateModel.Engine();
        Answer with = engine.Ask(Question), without = plain.Ask(Question);
        engine.Finish(with);
        plain.Finish(without);

        Assert.That(with.Tokens, Is.Not.EqualTo(without.Tokens));
        Assert.That(engine.Loop.Parts.Layout.StatePages, Is.EqualTo(StateModel.StatePages));
        Assert.That((engine.Status.Pool.PageBytes, plain.Status.Pool.PageBytes), Is.EqualTo((StateModel.PageBytes, StateModel.PageBytes)));
    }

    [TestCase(1, false)]
    [TestCase(5, false)]
    [TestCase(null, true)]
    [TestCase(3, true)]
    public void In_a_mix_requests_have_the_bits_of_each_alone(int? chunk, bool overlaps)
    {
        using SteppedEngine engine = StateModel.Engine(
            builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 24), chunk is { } rows ? () => rows : null,
            Adapters, overlaps);
        AssertAsAlone(engine, Workload(8));
    }

    [TestCase(PreemptionMode.Recompute, false)]
    [TestCase(PreemptionMode.Recompute, true)]
    [TestCase(PreemptionMode.Swap, false)]
    [TestCase(PreemptionMode.Swap, true)]
    public void Preempted_requests_have_the_bits_of_each_alone(PreemptionMode mode, bool overlaps)
    {
        using SteppedEngine engine = StateModel.Engine(
            builder => builder.ConfigurePool(pool => pool.Bytes = 40 * StateModel.PageBytes).ConfigureScheduling(scheduling =>
            {
                (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption) = (true, 4, mode);
                (scheduling.MaxRowsPerStep, scheduling.SwapBytes) = (32, 1000 * StateModel.PageBytes);
            }),
            adapters: Adapters, overlaps: overlaps);

        AssertAsAlone(engine, Workload(16));

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        Assert.That(engine.Loop.Preemption.Counters.Swapped, mode == PreemptionMode.Recompute ? Is.Zero : Is.GreaterThan(0));
    }

    /// <summary>Three greedy continuations of one prompt are one answer three times, and that of a request with one.</summary>
    [TestCase(32, Description = "the prompt ends with its page")]
    [TestCase(37)]
    public void Continuations_go_on_from_the_states_that_the_prompt_has_left(int prompt)
    {
        GenerationRequest request = Question with { Prompt = Enumerable.Range(7, prompt).ToArray() };
        using SteppedEngine engine = StateModel.Engine();
        Answer one = engine.Ask(request), three = engine.Ask(request with { Continuations = 3 });
        engine.Finish(one, three);

        for (int continuation = 0; continuation < 3; continuation++)
        {
            Assert.That(
                three.Items.Where(token => token.Continuation == continuation).OrderBy(token => token.Index).Select(token => token.Id),
                Is.EqualTo(one.Tokens));
        }

        AssertAllFree(engine);
    }

    [Test]
    public void Cancelled_requests_give_the_pages_of_their_states_back()
    {
        using SteppedEngine engine = StateModel.Engine(adapters: Adapters);
        using var cancellation = new CancellationTokenSource();
        Answer[] answers = [engine.Ask(Question, cancellation.Token), engine.Ask(Question with { Continuations = 3 }, cancellation.Token)];
        engine.StepUntil(() => engine.Loop.Running.Count == 4);
        int running = engine.Loop.Running.Sum(sequence => sequence.Table.StatePages.ToArray().Length);
        cancellation.Cancel();
        engine.Finish(answers);

        Assert.That(running, Is.EqualTo(4 * StateModel.StatePages));
        Assert.That(answers.Select(answer => answer.Stream.FinishReason), Is.All.EqualTo(FinishReason.Cancelled));
        AssertAllFree(engine);
    }

    /// <summary>20 + 40 − 1 tokens are four pages, of which continuations share the first.</summary>
    [TestCase(1, 6)]
    [TestCase(3, 16)]
    public void What_states_take_is_promised_with_everything_else_or_refused(int continuations, int pages)
    {
        GenerationRequest request = Question with { Continuations = continuations };
        using SteppedEngine enough = StateModel.Engine(builder => builder.ConfigurePool(pool => pool.Bytes = pages * StateModel.PageBytes));
        using SteppedEngine tooFew =
            StateModel.Engine(builder => builder.ConfigurePool(pool => pool.Bytes = (pages - 1) * StateModel.PageBytes));
        Answer answer = enough.Ask(request), next = enough.Ask(request), refused = tooFew.Ask(request);
        enough.Loop.Step();
        Assert.That((enough.Loop.Running.Count(sequence => sequence.Continuation == 0), enough.Loop.Waiting.Count), Is.EqualTo((1, 1)));
        Assert.That(enough.Status.Pool.CacheInUse + enough.Status.Pool.Reserved, Is.EqualTo(pages));
        enough.Finish(answer, next);
        Assert.That(next.Tokens, Has.Count.EqualTo(continuations * 40));

        tooFew.Finish(refused);
        Assert.That(refused.Error, Is.TypeOf<RequestTooLargeException>().With.Property("CachePages").EqualTo(pages));
    }

    [Test]
    public void A_request_that_waits_has_no_pages_of_states()
    {
        using SteppedEngine engine = StateModel.Engine(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 1));
        Answer first = engine.Ask(Question), second = engine.Ask(Question);
        engine.Loop.Step();

        Sequence waiting = engine.Loop.Waiting.Single();
        Assert.That((waiting.Table.Pages.Length, waiting.Table.Reserved), Is.EqualTo((0, 0)));
        engine.Finish(first, second);
        Assert.That(second.Tokens, Is.EqualTo(first.Tokens));
    }

    /// <summary>The states are kept at the last full page of a prompt, and every 64 tokens of an answer.</summary>
    [Test]
    public void A_prompt_and_its_next_turn_go_on_from_states_that_were_kept()
    {
        using SteppedEngine engine = StateModel.Engine(), oracle = Oracle();
        GenerationRequest request = Question with { Prompt = Enumerable.Range(7, 40).ToArray() };
        Answer first = Finished(engine, request), again = Finished(engine, request);
        GenerationRequest turn = request with { Prompt = (int[])[.. request.Prompt.Span, .. first.Tokens, 3, 4] };
        Answer second = Finished(engine, turn), other = Finished(engine, turn with { CacheSalt = "another" });

        Assert.That(first.Stream.Usage!.CachedPromptTokens, Is.Zero);
        Assert.That(again.Stream.Usage!.CachedPromptTokens, Is.EqualTo(32));
        Assert.That(again.Tokens, Is.EqualTo(first.Tokens));
        Assert.That(second.Stream.Usage!.CachedPromptTokens, Is.EqualTo(64), "of 79 that were computed");
        Assert.That(other.Stream.Usage!.CachedPromptTokens, Is.Zero);
        Assert.That(second.Tokens, Is.EqualTo(Finished(oracle, turn).Tokens).And.EqualTo(other.Tokens));
        AssertAllFree(engine);
    }

    /// <summary>Where a beginning that prompts share ends, the second leaves its states and the third finds them.</summary>
    [Test]
    public void States_are_kept_where_prompts_part()
    {
        using SteppedEngine engine = StateModel.Engine(), oracle = Oracle();
        int[] common = [.. Enumerable.Range(7, 50)];
        List<GenerationRequest> requests = [.. Enumerable.Range(0, 4).Select(i => Question with
        {
            Prompt = (int[])[.. common, .. Enumerable.Range(100 + (20 * i), 25)],
            MaxTokens = 8,
        })];
        List<Answer> answers = [.. requests.Select(request => Finished(engine, request))];

        Assert.That(answers.Select(answer => answer.Stream.Usage!.CachedPromptTokens), Is.EqualTo(new[] { 0, 0, 48, 48 }));
        Assert.That(
            answers.Select(answer => answer.Tokens), Is.EqualTo(requests.Select(request => Finished(oracle, request).Tokens)));
        AssertAllFree(engine);
    }

    [Test]
    public void States_that_are_kept_are_those_of_the_adapter_that_computed_them()
    {
        using SteppedEngine engine = StateModel.Engine(adapters: Adapters), oracle = Oracle();
        GenerationRequest request = Question with { Prompt = Enumerable.Range(7, 40).ToArray(), MaxTokens = 6 };
        foreach (string? adapter in new[] { null, "qv", "r1", "qv", null })
        {
            Answer answer = Finished(engine, request with { Adapter = adapter });
            Assert.That(answer.Tokens, Is.EqualTo(Finished(oracle, request with { Adapter = adapter }).Tokens));
        }

        Assert.That(engine.Loop.PrefixCache!.Counters, Has.Property("Hits").EqualTo(2).And.Property("HitTokens").EqualTo(64));
        AssertAllFree(engine);
    }

    /// <summary>Kept states are given up for whoever needs their pages, and never make a request wait.</summary>
    [Test]
    public void Kept_states_make_room()
    {
        using SteppedEngine engine = StateModel.Engine(builder => builder.ConfigurePool(pool => pool.Bytes = 7 * StateModel.PageBytes));
        using SteppedEngine oracle = Oracle();
        for (int i = 0; i < 6; i++)
        {
            GenerationRequest request = Question with { Prompt = Enumerable.Range(3 * i, 40).ToArray(), MaxTokens = 30 };
            Assert.That(Finished(engine, request).Tokens, Is.EqualTo(Finished(oracle, request).Tokens));
        }

        AssertAllFree(engine);
    }

    private static SteppedEngine Oracle() =>
        StateModel.Engine(builder => builder.ConfigurePool(pool => pool.PrefixReuse = false), adapters: Adapters);

    private static Answer Finished(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer;
    }

    private static void AssertAsAlone(SteppedEngine engine, List<GenerationRequest> requests)
    {
        using SteppedEngine oracle = Oracle();
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

    private static List<GenerationRequest> Workload(int count)
    {
        var random = new Random(12);
        return [.. Enumerable.Range(0, count).Select(i => Question with
        {
            Prompt = Enumerable.Range(0, random.Next(1, 50)).Select(_ => random.Next(261)).ToArray(),
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
