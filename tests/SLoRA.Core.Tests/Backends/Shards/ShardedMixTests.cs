using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>Whatever the engine does with pages, shards do it alike: all has the bits of each request alone on one shard.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShardedMixTests
{
    // On four shards the two key heads are on two shards each, so that a page takes twice as much.
    private const int PageBytes = 12288;

    private static readonly string?[] Adapters = [null, "qv", "r1", "wide", "embed-and-head", "attn-mlp-odd"];

    [TestCase(2, PreemptionMode.Recompute, false)]
    [TestCase(2, PreemptionMode.Swap, false)]
    [TestCase(4, PreemptionMode.Swap, false)]
    [TestCase(4, PreemptionMode.Recompute, true)]
    [TestCase(2, PreemptionMode.Swap, true)]
    public void Scenario_18_mixes_that_share_prefixes_and_are_preempted_have_the_bits_of_one_shard(
        int shards, PreemptionMode mode, bool overlaps)
    {
        using SteppedEngine engine = Engine(Cpu(shards), shards, 56, mode, overlaps);
        using SteppedEngine oracle = Engine(Cpu(1), 1, 200, null, overlaps: false);
        Check(engine, oracle);
    }

    private static Action<LoraServingEngineBuilder> Cpu(int shards) =>
        builder => builder.UseCpu(cpu => (cpu.Threads, cpu.Shards) = (shards, shards));

    /// <summary>Asks a mix of an engine that runs short of pages, and each of its requests of another by itself.</summary>
    internal static void Check(SteppedEngine engine, SteppedEngine oracle)
    {
        List<GenerationRequest> requests = [.. Enumerable.Range(0, 16).Select(Request)];
        List<(Answer Answer, LogitsRecord Logits)> asked = [];
        foreach (GenerationRequest request in requests)
        {
            var logits = new LogitsRecord(wholePrompt: false);
            asked.Add((engine.Ask(request with { Tap = logits }), logits));
            engine.Loop.Step();
        }

        engine.Finish(asked.Select(entry => entry.Answer));
        for (int i = 0; i < requests.Count; i++)
        {
            var alone = new LogitsRecord(wholePrompt: false);
            Answer expected = oracle.Ask(requests[i] with { Tap = alone });
            oracle.Finish(expected);
            Assert.That(asked[i].Answer.Tokens, Is.EqualTo(expected.Tokens), $"tokens of request {i}");
            Assert.That(asked[i].Logits.Rows, Is.EqualTo(alone.Rows), $"logits of request {i}");
        }

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        Assert.That(engine.Loop.PrefixCache!.Counters.HitTokens, Is.GreaterThan(0));
        engine.DropCaches();
        Assert.That(engine.Status.Pool.Free, Is.EqualTo(engine.Status.Pool.Total));
    }

    private static GenerationRequest Request(int number) => new()
    {
        Prompt = Enumerable.Range(7, 34 + (number % 3)).ToArray(),
        Adapters = Adapters[number % Adapters.Length] is { } adapter
            ? number % 4 == 1 ? [new AdapterUse(adapter, 0.5f), new AdapterUse("rslora", -0.25f)] : [new AdapterUse(adapter)]
            : [],
        MaxTokens = 40,
        IgnoreEndOfText = true,
    };

    /// <summary>An engine with so many pages, on four shards of twice the size.</summary>
    internal static SteppedEngine Engine(
        Action<LoraServingEngineBuilder> use, int shards, int pages, PreemptionMode? mode, bool overlaps) => new(
        builder =>
        {
            use(builder);
            builder.ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (pages * PageBytes * (shards == 4 ? 2 : 1), mode is not null))
                .ConfigureScheduling(scheduling =>
                {
                    scheduling.MaxRowsPerStep = 32;
                    scheduling.OverCommit = mode is not null;
                    scheduling.OverCommitLookahead = 8;
                    scheduling.Preemption = mode ?? PreemptionMode.Recompute;
                });
        },
        adapters: SteppedEngine.AdapterNames,
        overlaps: overlaps);
}
