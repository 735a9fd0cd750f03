using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Families unlike Llama, through the whole engine: what runs beside a request changes not a bit of it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class FamilyEngineTests
{
    private static readonly string[] Models =
        ["later-gemma4", "later-cohere2", "later-phi4-mini", "later-nemotron", "later-lfm2"];

    /// <summary>
    /// Prompts that share beginnings, in chunks, with over-commit in a pool that makes sequences give up their pages: base and adapters,
    /// around and above the length where Phi-4-mini's keys become other ones (32).
    /// </summary>
    [TestCaseSource(nameof(Models))]
    public void Requests_in_a_crowd_have_the_bits_of_each_alone(string model)
    {
        List<GenerationRequest> requests = Workload();
        var alone = new List<(IReadOnlyList<int> Tokens, LogitsRecord Record)>();
        using (SteppedEngine engine = Engine(model, _ => { }))
        {
            foreach (GenerationRequest request in requests)
            {
                var record = new LogitsRecord();
                Answer answer = engine.Ask(request with { Tap = record, CacheSalt = $"{alone.Count}" });
                engine.Finish(answer);
                alone.Add((answer.Tokens, record));
            }
        }

        var random = new Random(3);
        using SteppedEngine crowd = Engine(
            model,
            builder => builder.ConfigurePool(pool => pool.Bytes = 420L << 10)
                .ConfigureScheduling(scheduling =>
                {
                    scheduling.MaxRowsPerStep = 40;
                    scheduling.OverCommit = true;
                    scheduling.OverCommitLookahead = 1;
                }),
            () => random.Next(1, 30));
        var answers = new List<(Answer Answer, LogitsRecord Record)>();
        for (int i = 0; i < requests.Count; i++)
        {
            // Those that want the logits of their prompt look for no prefixes, the others do.
            var record = new LogitsRecord(wholePrompt: i % 2 == 0);
            answers.Add((crowd.Ask(requests[i] with { Tap = record }), record));
            for (int steps = random.Next(4); steps > 0; steps--)
            {
                crowd.Loop.Step();
            }
        }

        crowd.Finish(answers.Select(answer => answer.Answer));
        Assert.Multiple(() =>
        {
            for (int i = 0; i < answers.Count; i++)
            {
                Assert.That(answers[i].Answer.Tokens, Is.EqualTo(alone[i].Tokens), $"tokens of request {i}");
                Assert.That(answers[i].Record.Rows, Is.SubsetOf(alone[i].Record.Rows), $"logits of request {i}");
            }
        });
        Assert.That(answers.Sum(answer => answer.Answer.Stream.Usage!.CachedPromptTokens), Is.Positive, "prefixes");
        crowd.DropCaches();
        Assert.That(crowd.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(crowd.Status.Pool.Total), "pages at the end");
    }

    [Test]
    public void A_sequence_that_outgrows_its_rotation_is_computed_again_and_shares_with_long_ones_only()
    {
        // The threshold of Phi-4-mini's fixture is 32 tokens.
        using SteppedEngine engine = Engine("later-phi4-mini", _ => { });
        int[] prompt = [.. Enumerable.Range(0, 30).Select(i => (7 * i) % 130)];
        Answer growing = engine.Ask(new GenerationRequest { Prompt = prompt, MaxTokens = 12, IgnoreEndOfText = true });
        engine.Finish(growing);
        Assert.That(growing.Stream.Usage!.Preemptions, Is.EqualTo(1), "once, at its 33rd token");

        int[] everything = [.. prompt, .. growing.Tokens];
        var fresh = new LogitsRecord();
        Answer longer = engine.Ask(new GenerationRequest
        {
            Prompt = everything[..34],
            MaxTokens = 8,
            IgnoreEndOfText = true,
            Tap = fresh,
            CacheSalt = "nobody else's",
        });
        engine.Finish(longer);
        Assert.That(longer.Tokens, Is.EqualTo(growing.Tokens.Skip(4)), "as if it had been long from the beginning");

        Answer again = engine.Ask(new GenerationRequest { Prompt = everything[..40], MaxTokens = 2, IgnoreEndOfText = true });
        Answer shorter = engine.Ask(new GenerationRequest { Prompt = prompt, MaxTokens = 2, IgnoreEndOfText = true });
        engine.Finish(again, shorter);
        Assert.That(again.Stream.Usage!.CachedPromptTokens, Is.EqualTo(32), "pages of the restarted sequence");
        Assert.That(shorter.Stream.Usage!.CachedPromptTokens, Is.EqualTo(16), "the page from before the restart");
    }

    [Test]
    public void Continuations_that_outgrow_their_rotation_each_have_the_tokens_of_a_request_alone()
    {
        using SteppedEngine engine = Engine("later-phi4-mini", _ => { });
        GenerationRequest request = new()
        {
            Prompt = Enumerable.Range(0, 29).Select(i => (5 * i) % 130).ToArray(),
            MaxTokens = 10,
            IgnoreEndOfText = true,
            Continuations = 3,
        };
        Answer together = engine.Ask(request);
        engine.Finish(together);
        Answer alone = engine.Ask(request with { Continuations = 1, CacheSalt = "alone" });
        engine.Finish(alone);
        foreach (IGrouping<int, GeneratedToken> continuation in together.Items.GroupBy(token => token.Continuation))
        {
            Assert.That(continuation.Select(token => token.Id), Is.EqualTo(alone.Tokens), $"continuation {continuation.Key}");
        }
    }

    private static SteppedEngine Engine(string model, Action<LoraServingEngineBuilder> configure, Func<int>? chunkLimit = null) => new(
        builder =>
        {
            builder.UseCpu(cpu => cpu.Threads = 1).UseModel(RepositoryFolder.Fixture(model, "model"))
                .ConfigurePool(pool => pool.Bytes = 2L << 20)
                .AddAdapter("all", RepositoryFolder.Fixture(model, "adapters", "all-linear-r4"))
                .AddAdapter("rs", RepositoryFolder.Fixture(model, "adapters", "rslora-r5"));
            configure(builder);
        },
        chunkLimit);

    private static List<GenerationRequest> Workload()
    {
        var random = new Random(11);
        int[] common = [.. Enumerable.Range(0, 70).Select(_ => random.Next(130))];
        var requests = new List<GenerationRequest>();
        for (int i = 0; i < 24; i++)
        {
            requests.Add(new GenerationRequest
            {
                Prompt = common.Take(random.Next(10, 60)).Append(i).ToArray(),
                Adapters = (i % 3) switch
                {
                    0 => [],
                    1 => [new AdapterUse("all", 1)],
                    _ => [new AdapterUse("rs", 0.5f), new AdapterUse("all", -0.25f)],
                },
                MaxTokens = random.Next(2, 24),
                IgnoreEndOfText = true,
            });
        }

        return requests;
    }
}
