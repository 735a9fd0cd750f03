using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Models whose layers are recurrences, delta nets and Mamba-2, with adapters on their projections: however prompts are cut, whoever runs
/// beside, and whatever becomes of the states, a request answers as it does alone, and all pages come back.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class RecurrentEngineTests
{
    private const string DeltaNet = "later-qwen3-5-moe";
    private const string Mamba = "later-nemotron-h";

    [TestCase(DeltaNet, 1, 1)]
    [TestCase(DeltaNet, 7, 3)]
    [TestCase(Mamba, 1, 3)]
    [TestCase(Mamba, 7, 1)]
    public void Prompts_in_chunks_have_the_bits_of_prompts_as_a_whole(string model, int chunk, int threads)
    {
        using SteppedEngine engine = Engine(
            model, builder => builder.UseCpu(cpu => cpu.Threads = threads).ConfigureScheduling(
                scheduling => scheduling.MaxRowsPerStep = 24),
            () => chunk);
        AssertAsAlone(engine, model, Workload(8));
    }

    [TestCase(DeltaNet, PreemptionMode.Recompute)]
    [TestCase(DeltaNet, PreemptionMode.Swap)]
    [TestCase(Mamba, PreemptionMode.Recompute)]
    [TestCase(Mamba, PreemptionMode.Swap)]
    public void Preempted_requests_have_the_bits_of_each_alone(string model, PreemptionMode mode)
    {
        long bytes = BytesFor(model, pages: 14);
        using SteppedEngine engine = Engine(
            model,
            builder => builder.ConfigurePool(pool => pool.Bytes = bytes).ConfigureScheduling(scheduling =>
            {
                (scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption) = (true, 1, mode);
                (scheduling.MaxRowsPerStep, scheduling.SwapBytes) = (32, 64L << 20);
            }));
        AssertAsAlone(engine, model, Workload(16, longest: 60));

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        Assert.That(engine.Loop.Preemption.Counters.Swapped, mode == PreemptionMode.Recompute ? Is.Zero : Is.GreaterThan(0));
    }

    /// <summary>Greedy continuations of one prompt are one answer three times: each goes on from a copy of the states.</summary>
    [TestCase(DeltaNet, 32)]
    [TestCase(DeltaNet, 37)]
    [TestCase(Mamba, 37)]
    public void Continuations_go_on_from_the_states_that_the_prompt_has_left(string model, int prompt)
    {
        var request = new GenerationRequest
        {
            Prompt = Enumerable.Range(7, prompt).ToArray(),
            Adapter = "all",
            MaxTokens = 20,
            IgnoreEndOfText = true,
        };
        using SteppedEngine engine = Engine(model);
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

    [TestCase(DeltaNet)]
    [TestCase(Mamba)]
    public void A_second_request_finds_nothing_of_the_first_in_its_states(string model)
    {
        var request = new GenerationRequest { Prompt = Enumerable.Range(3, 40).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };
        using SteppedEngine engine = Engine(model);
        Answer first = engine.Ask(request);
        engine.Finish(first);
        Answer other = engine.Ask(request with { Prompt = Enumerable.Range(50, 33).ToArray(), Adapter = "all" });
        engine.Finish(other);
        Answer second = engine.Ask(request);
        engine.Finish(second);

        Assert.That(second.Tokens, Is.EqualTo(first.Tokens));
        AssertAllFree(engine);
    }

    [TestCase(DeltaNet)]
    [TestCase(Mamba)]
    public void Cancelled_requests_give_the_pages_of_their_states_back(string model)
    {
        var request = new GenerationRequest { Prompt = Enumerable.Range(3, 40).ToArray(), MaxTokens = 60, IgnoreEndOfText = true };
        using SteppedEngine engine = Engine(model);
        using var cancellation = new CancellationTokenSource();
        Answer[] answers = [engine.Ask(request, cancellation.Token), engine.Ask(request with { Continuations = 2 }, cancellation.Token)];
        engine.StepUntil(() => engine.Loop.Running.Count == 3);
        int pages = engine.Loop.Running.Sum(sequence => sequence.Table.StatePages.ToArray().Length);
        cancellation.Cancel();
        engine.Finish(answers);

        Assert.That(pages, Is.EqualTo(3 * engine.Loop.Parts.Layout.StatePages).And.Positive);
        AssertAllFree(engine);
    }

    /// <summary>What ends an answer leaves the next request on the same pages as if it had been the first.</summary>
    [TestCase(DeltaNet)]
    [TestCase(Mamba)]
    public void A_stop_token_ends_the_answer(string model)
    {
        var request = new GenerationRequest { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };
        using SteppedEngine engine = Engine(model);
        Answer free = engine.Ask(request);
        engine.Finish(free);
        Answer stopped = engine.Ask(request with { StopTokens = [free.Tokens[5]] });
        engine.Finish(stopped);

        Assert.That(stopped.Tokens, Is.EqualTo(free.Tokens.TakeWhile(token => token != free.Tokens[5])));
        Assert.That(stopped.Stream.FinishReason, Is.EqualTo(FinishReason.StopToken));
        AssertAllFree(engine);
    }

    private static SteppedEngine Engine(string model, Action<LoraServingEngineBuilder>? configure = null, Func<int>? chunkLimit = null) =>
        new(
            builder =>
            {
                builder.UseCpu(cpu => cpu.Threads = 1).UseModel(RepositoryFolder.Fixture(model, "model"))
                    .ConfigurePool(pool => pool.Bytes = 4L << 20)
                    .AddAdapter("all", RepositoryFolder.Fixture(model, "adapters", All(model)))
                    .AddAdapter("experts", RepositoryFolder.Fixture(model, "adapters", "later-experts"));
                configure?.Invoke(builder);
            },
            chunkLimit);

    /// <summary>A pool of so many pages beside those of both adapters.</summary>
    private static long BytesFor(string model, int pages)
    {
        using SteppedEngine engine = Engine(model);
        engine.Finish(engine.Ask(Workload(3)[2]));
        return (engine.Status.Pool.Adapters + pages) * engine.Status.Pool.PageBytes;
    }

    private static string All(string model) => model == Mamba ? "all-but-out-proj-r4" : "all-linear-r4";

    private static void AssertAsAlone(SteppedEngine engine, string model, List<GenerationRequest> requests)
    {
        using SteppedEngine oracle = Engine(model);
        List<(Answer Answer, LogitsRecord Logits)> asked = [];
        foreach (GenerationRequest request in requests)
        {
            var logits = new LogitsRecord();
            asked.Add((engine.Ask(request with { Tap = logits }), logits));
            engine.Loop.Step();
        }

        engine.Finish(asked.Select(entry => entry.Answer));
        for (int i = 0; i < requests.Count; i++)
        {
            var alone = new LogitsRecord();
            Answer expected = oracle.Ask(requests[i] with { Tap = alone });
            oracle.Finish(expected);
            Assert.That(asked[i].Answer.Tokens, Is.EqualTo(expected.Tokens), $"tokens of request {i}");
            Assert.That(asked[i].Logits.Rows, Is.EqualTo(alone.Rows), $"logits of request {i}");
        }

        AssertAllFree(engine);
    }

    private static List<GenerationRequest> Workload(int count, int longest = 30)
    {
        var random = new Random(12);
        return [.. Enumerable.Range(0, count).Select(i => new GenerationRequest
        {
            Prompt = Enumerable.Range(0, random.Next(1, 50)).Select(_ => random.Next(130)).ToArray(),
            MaxTokens = random.Next(1, longest),
            IgnoreEndOfText = true,
            Adapters = (i % 3) switch
            {
                0 => [],
                1 => [new AdapterUse("all", 1)],
                _ => [new AdapterUse("experts", 0.5f), new AdapterUse("all", -0.25f)],
            },
        })];
    }

    private static void AssertAllFree(SteppedEngine engine)
    {
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
        Assert.That((engine.Loop.Snapshot().Pool.Reserved, engine.Loop.Snapshot().SwapBlocks), Is.EqualTo((0, 0)));
    }
}
