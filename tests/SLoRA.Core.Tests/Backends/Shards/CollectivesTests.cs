using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>What shards exchange is what S-LoRA's partition asks for, and no more.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class CollectivesTests
{
    private const int Layers = 3;
    private const int Hidden = 64;
    private const int Rows = 20;
    private const int Rank = 16;

    /// <summary>Tokens of the first 64, so that shard 0 has all of their entries.</summary>
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(3, Rows).ToArray(), MaxTokens = 2, IgnoreEndOfText = true };

    [TestCase(2)]
    [TestCase(4)]
    public void A_step_of_the_base_has_two_all_reduces_per_layer_and_nothing_of_adapters(int shards)
    {
        StepExchange exchange = FirstStep(shards, Question);

        // One meeting for the embedding; an all-reduce is two, of which each brings a shard the others' part of an N-th of the columns.
        Assert.That(exchange.BaseMeetings, Is.EqualTo(1 + (4 * Layers)));
        Assert.That(exchange.BaseElements, Is.EqualTo(Layers * 2 * (2 * (shards - 1) * Rows * Hidden / shards)));
        Assert.That((exchange.LoraMeetings, exchange.LoraElements, exchange.LoraTicks), Is.EqualTo((0, 0L, 0L)));
    }

    [TestCase(2)]
    [TestCase(4)]
    public void An_adapter_of_all_modules_moves_rows_of_its_rank_in_four_more_meetings_per_layer(int shards)
    {
        StepExchange without = FirstStep(shards, Question);
        StepExchange with = FirstStep(shards, Question with { Adapter = "all-linear" });

        // Attention: q, k and v are gathered, o is reduced and gathered. Feed-forward: gate and up are gathered, down is as o.
        int attention = 5 * (shards - 1) * Rows * Rank / shards;
        int feedForward = 4 * (shards - 1) * Rows * Rank / shards;
        Assert.That(with.LoraElements, Is.EqualTo(Layers * (attention + feedForward)));
        Assert.That(with.LoraMeetings, Is.EqualTo(4 * Layers));
        Assert.That((with.BaseMeetings, with.BaseElements), Is.EqualTo((without.BaseMeetings, without.BaseElements)));
    }

    [Test]
    public void Modules_that_an_adapter_leaves_out_have_no_part_in_it()
    {
        StepExchange exchange = FirstStep(2, Question with { Adapter = "qv" });

        Assert.That(exchange.LoraMeetings, Is.EqualTo(Layers));
        Assert.That(exchange.LoraElements, Is.EqualTo(Layers * 2 * Rows * 8 / 2));
    }

    /// <summary>
    /// The model has 2 layers of 4 heads with norms over all of them, and 8 experts in each; the adapter has rank 2 on q, v and experts.
    /// </summary>
    [TestCase(2)]
    [TestCase(4)]
    public void Experts_and_norms_over_all_heads_add_no_exchange_of_adapters(int shards)
    {
        StepExchange without = FirstStep(shards, Question, "later-olmoe", "later-experts");
        StepExchange with = FirstStep(shards, Question with { Adapter = "later-experts" }, "later-olmoe", "later-experts");

        // Of each layer: sums of squares of q, of k, an all-reduce of o, one of the experts.
        const int OlmoeHidden = 48;
        Assert.That(without.BaseMeetings, Is.EqualTo(1 + (2 * (1 + 1 + 2 + 2))));
        Assert.That(
            without.BaseElements,
            Is.EqualTo(2 * ((2 * Rows * (4 - (4 / shards))) + (2 * AllReduce(shards, OlmoeHidden)))));
        Assert.That((with.BaseMeetings, with.BaseElements), Is.EqualTo((without.BaseMeetings, without.BaseElements)));
        Assert.That((with.LoraMeetings, with.LoraElements), Is.EqualTo((2, 2L * 2 * Rows * RanksOfOthers(2, shards))));
    }

    /// <summary>The model has 3 layers with latents, of which the last two have experts and a shared one.</summary>
    [Test]
    public void Latents_add_no_exchange_and_an_adapter_on_them_one_for_the_queries()
    {
        StepExchange without = FirstStep(2, Question, "later-glm4-moe-lite", "mla-r8");
        StepExchange with = FirstStep(2, Question with { Adapter = "mla-r8" }, "later-glm4-moe-lite", "mla-r8");

        Assert.That(without.BaseMeetings, Is.EqualTo(1 + (3 * 2) + 2 + (2 * (2 + 2))));
        Assert.That(with.BaseMeetings, Is.EqualTo(without.BaseMeetings));
        Assert.That((with.LoraMeetings, with.LoraElements), Is.EqualTo((3, 3L * Rows * 8 / 2)));
    }

    [Test]
    public void Status_tells_what_shards_hold_and_how_long_they_exchanged()
    {
        using SteppedEngine engine = Engine(2);
        Answer answer = engine.Ask(Question);
        engine.Loop.Step();
        StepStatus step = engine.Status.LastStep;
        IReadOnlyList<ShardStatus> shards = engine.Status.Backend.Shards;

        Assert.That(step.Collectives, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(step.AdapterCollectives, Is.EqualTo(TimeSpan.Zero), "no row has an adapter");
        Assert.That(shards, Has.Count.EqualTo(2));
        Assert.That(shards.Sum(shard => shard.PoolBytes), Is.EqualTo(engine.Status.Pool.Total * engine.Status.Pool.PageBytes));
        Assert.That(shards.Select(shard => shard.WeightBytes), Is.All.GreaterThan(0));
        engine.Finish(answer);
    }

    /// <summary>What shard 0 takes from the others in an all-reduce: their parts of its columns, then their columns.</summary>
    private static long AllReduce(int shards, int columns)
    {
        int own = Shares.OfColumns(columns, 0, shards).End;
        return (long)Rows * (((shards - 1) * own) + columns - own);
    }

    private static int RanksOfOthers(int rank, int shards) => rank - Shares.OfRanks(rank, 0, shards).End;

    private static SteppedEngine Engine(int shards, string model = "core-llama-gqa", params string[] adapters) => new(builder =>
    {
        builder.UseModel(RepositoryFolder.Fixture(model, "model")).UseCpu(cpu => (cpu.Threads, cpu.Shards) = (shards, shards));
        foreach (string adapter in adapters is [] ? ["all-linear", "qv"] : adapters)
        {
            builder.AddAdapter(adapter, RepositoryFolder.Fixture(model, "adapters", adapter));
        }
    });

    private static StepExchange FirstStep(
        int shards, GenerationRequest request, string model = "core-llama-gqa", params string[] adapters)
    {
        using SteppedEngine engine = Engine(shards, model, adapters);
        Answer answer = engine.Ask(request);
        engine.StepUntil(() => engine.Status.Steps == 1);
        StepExchange exchange = engine.Loop.Parts.Decoder.Exchange;
        Assert.That(engine.Status.LastStep.Rows, Is.EqualTo(Rows));
        engine.Finish(answer);
        return exchange;
    }
}
