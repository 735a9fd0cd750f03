using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Backends.Shards;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Keys and values in 8 bits, through whole models.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class CacheTypeTests
{
    /// <summary>
    /// Where a number lies between two integers the last bit of a rotation decides, and then one element of one token differs by a scale: a
    /// logit by about a hundredth of what rounding all elements changes.
    /// </summary>
    private const float Tolerance = 2e-3f;

    private static readonly int[] Prompt = [.. Enumerable.Range(0, 70).Select(i => 3 + (i * 37 % 120))];

    /// <summary>Grouped heads, windows, norms of keys, shared layers, logits with caps, convolutions beside attention, latents.</summary>
    [TestCase("core-llama-gqa", "all-linear")]
    [TestCase("core-mistral-window", null)]
    [TestCase("core-qwen3", null)]
    [TestCase("later-cohere2", "rslora-r5")]
    [TestCase("later-gemma4", null)]
    [TestCase("later-llama4", null)]
    [TestCase("later-lfm2", null)]
    [TestCase("later-glm4-moe-lite", "mla-r8")]
    public void Logits_on_the_Cpu_are_those_of_the_Reference(string model, string? adapter)
    {
        LogitsValues reference = Logits(model, adapter, CacheType.Int8, builder => builder.UseBackend(
            (rows, outputs) => new ReferenceBackend(rows, outputs)));
        LogitsValues cpu = Logits(model, adapter, CacheType.Int8, Exact);
        LogitsValues wide = Logits(model, adapter, CacheType.Float32, Exact);
        TestContext.Out.WriteLine($"{cpu.LargestDifference(reference):E2} from the Reference, {cpu.LargestDifference(wide):E2} from fp32");
        Assert.Multiple(() =>
        {
            Assert.That(cpu.LargestDifference(reference), Is.LessThan(Tolerance));
            Assert.That(cpu.LargestDifference(wide), Is.GreaterThan(Tolerance), "8 bits are not fp32");
        });
    }

    [TestCase("core-llama-gqa", 2)]
    [TestCase("core-llama-gqa", 4)]
    [TestCase("later-glm4-moe-lite", 2)]
    public async Task Shards_have_the_bits_of_one(string model, int shards)
    {
        GenerationRequest[] requests = [Request(null), Request(null) with { Prompt = Prompt[..9] }];
        string[] one = await ShardedEngine.Answers(model, 1, requests, Int8, []);
        string[] several = await ShardedEngine.Answers(model, shards, requests, Int8, []);

        Assert.That(several, Is.EqualTo(one));
    }

    [Test]
    public void The_status_says_what_keys_and_values_are_kept_as([Values] CacheType type)
    {
        using var engine = new SteppedEngine(builder => builder.ConfigurePool(pool => pool.CacheType = type));

        // The weights of the fixture are fp32.
        Assert.That(engine.Status.Pool.CacheType, Is.EqualTo(type == CacheType.Weights ? CacheType.Float32 : type));
    }

    [Test]
    public void A_pool_holds_about_twice_as_many_pages_of_8_bits_as_of_16()
    {
        // A head of 16 columns has 16 bytes and a scale of 4 where it had 32.
        Assert.That((double)Pages(CacheType.Int8) / Pages(CacheType.BFloat16), Is.EqualTo(32 / 20.0).Within(0.01));

        static int Pages(CacheType type)
        {
            using var engine = new SteppedEngine(builder => builder.ConfigurePool(pool => pool.CacheType = type));
            return engine.Status.Pool.Total;
        }
    }

    private static void Exact(LoraServingEngineBuilder builder) =>
        builder.UseBackend((rows, outputs) => new CpuBackend(rows, outputs, threads: 2));

    private static void Int8(LoraServingEngineBuilder builder) => builder.ConfigurePool(pool => pool.CacheType = CacheType.Int8);

    private static GenerationRequest Request(string? adapter) =>
        new() { Prompt = Prompt, MaxTokens = 4, Adapter = adapter, IgnoreEndOfText = true };

    private static LogitsValues Logits(string model, string? adapter, CacheType type, Action<LoraServingEngineBuilder> backend)
    {
        var logits = new LogitsValues();
        using var engine = new SteppedEngine(builder =>
        {
            builder.UseModel(RepositoryFolder.Fixture(model, "model"))
                .ConfigurePool(pool => (pool.CacheType, pool.AdapterWeights) = (type, AdapterWeightType.AsStored));
            backend(builder);
            if (adapter is not null)
            {
                builder.AddAdapter(adapter, RepositoryFolder.Fixture(model, "adapters", adapter));
            }
        });
        engine.Finish(engine.Ask(Request(adapter) with { MaxTokens = 1, Tap = logits }));
        return logits;
    }
}
