using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>The number of shards changes no bit of any logit, whatever the model, the adapters and the mix.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShardedBitsTests
{
    /// <summary>
    /// Models and the shards that serve them: grouped heads and one key head for all, head counts that the shards do not divide, biases,
    /// normed heads, tied and untied heads, windows; fused products, blocks without a gate, layers that share keys and have inputs of their
    /// own, latents, experts with and without a shared one, norms over all heads, and convolutions that keep a state.
    /// </summary>
    private static readonly (string Fixture, int[] Shards)[] Models =
    [
        ("core-llama-gqa", [2, 4]), ("core-llama-mha", [2, 4]), ("core-llama-bias", [2, 4]), ("core-llama-tied-llama3", [2]),
        ("core-llama-rope-linear", [2]), ("core-llama-rope-yarn", [2]), ("core-mistral-window", [2, 4]), ("core-qwen2", [2, 4]),
        ("core-qwen3", [2, 4]), ("later-phi4-mini", [2, 4]), ("later-nemotron", [2, 4]), ("later-gemma4", [2, 4]),
        ("later-glm4-moe-lite", [2, 4]), ("later-llama4", [2, 4]), ("later-olmoe", [2, 4]), ("later-lfm2", [2, 4]),
        ("later-qwen3-5-moe", [2, 4]), ("later-nemotron-h", [2, 4]),
    ];

    public static IEnumerable<TestCaseData> Cases() =>
        from model in Models
        from shards in model.Shards
        select new TestCaseData(model.Fixture, shards).SetArgDisplayNames(model.Fixture, $"shards {shards}");

    [TestCaseSource(nameof(Cases))]
    public async Task Logits_have_the_bits_of_one_shard(string fixture, int shards)
    {
        string[] adapters = [.. ShardedEngine.AdaptersOf(fixture)];
        List<GenerationRequest> requests =
        [
            .. adapters.Append(null).Select((adapter, i) => new GenerationRequest
            {
                Prompt = Enumerable.Range(3, 5 + (4 * (i % 20))).ToArray(), Adapter = adapter, MaxTokens = 6, IgnoreEndOfText = true,
            }),
            new GenerationRequest
            {
                Prompt = Enumerable.Range(40, 19).ToArray(),
                Adapters =
                [
                    .. adapters.Where(adapter => !ShardedEngine.IsAlone(fixture, adapter)).Take(3)
                        .Select((adapter, i) => new AdapterUse(adapter, 0.5f + i)),
                ],
                MaxTokens = 6,
                IgnoreEndOfText = true,
            },
        ];

        Assert.That(
            await ShardedEngine.Answers(fixture, shards, requests), Is.EqualTo(await ShardedEngine.Answers(fixture, 1, requests)));
    }

    /// <summary>The leaves of this model's sums are whole groups of 64 inputs, which share a scale.</summary>
    [TestCase(2, CpuWeights.Int8)]
    [TestCase(4, CpuWeights.Int8)]
    [TestCase(4, CpuWeights.Int4)]
    public async Task Weights_in_eight_and_four_bits_have_the_bits_of_one_shard_too(int shards, CpuWeights weights)
    {
        List<GenerationRequest> requests =
        [
            new() { Prompt = Enumerable.Range(100, 30).ToArray(), MaxTokens = 5, IgnoreEndOfText = true },
            new() { Prompt = Enumerable.Range(300, 11).ToArray(), MaxTokens = 5, IgnoreEndOfText = true },
        ];

        Assert.That(await Answers(shards), Is.EqualTo(await Answers(1)));

        async Task<string[]> Answers(int count)
        {
            await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
                .UseModel(Path.Combine(RepositoryFolder.Path, "samples", "models", "frontdesk", "model"))
                .ConfigurePool(pool => pool.Bytes = 16L << 20)
                .UseCpu(cpu => (cpu.Threads, cpu.Shards, cpu.Weights) = (count, count, weights))
                .BuildAsync();
            return await Task.WhenAll(requests.Select(request => ShardedEngine.Answer(engine, request)));
        }
    }
}
