using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>
/// The number of devices that share a model changes no bit of any logit. One device stands for several here, each with a queue, memory and
/// kernels of its own.
/// </summary>
[NonParallelizable]
[DeviceFixture]
public sealed class GpuShardedBitsTests
{
    /// <summary>
    /// Key heads that are on two shards, three query heads on two shards, biases, normed heads; fused products, layers that share keys and
    /// have inputs of their own, blocks without a gate; experts with and without a shared one, latents, norms over all heads, and what
    /// convolutions and recurrences keep of a sequence. With all adapters of each: what they do besides adding B A too.
    /// </summary>
    private static readonly (string Fixture, int Shards, string? Category)[] Models =
    [
        ("core-llama-gqa", 2, "Long"), ("core-llama-gqa", 4, null), ("core-llama-bias", 2, "Long"), ("core-llama-rope-linear", 2, "Long"),
        ("core-qwen3", 2, null), ("core-qwen3", 4, "Long"), ("later-phi4-mini", 2, "Long"), ("later-gemma4", 2, "Long"),
        ("later-nemotron", 2, "Long"), ("later-olmoe", 2, null), ("later-olmoe", 4, "Longest"), ("later-llama4", 2, "Long"),
        ("later-glm4-moe-lite", 2, null), ("later-glm4-moe-lite", 4, "Longest"), ("later-lfm2", 2, "Long"),
        ("later-qwen3-5-moe", 2, "Long"), ("later-nemotron-h", 2, "Long"), ("later-nemotron-h", 4, "Longest"),
        ("core-llama-tied-llama3", 2, "Long"),
    ];

    public static IEnumerable<TestCaseData> Cases()
    {
        foreach ((string fixture, int shards, string? category) in Models)
        {
            TestCaseData data = new TestCaseData(fixture, shards).SetArgDisplayNames(fixture, $"shards {shards}");
            yield return category is null ? data : data.SetCategory(category);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public async Task Logits_have_the_bits_of_one_device(string fixture, int shards)
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

        string[] several = await Answers(fixture, shards, requests);
        string[] one = await Answers(fixture, 1, requests);
        for (int i = 0; i < one.Length; i++)
        {
            Assert.That(several[i], Is.EqualTo(one[i]), $"request {i}");
        }
    }

    private static Task<string[]> Answers(string fixture, int shards, List<GenerationRequest> requests) => ShardedEngine.Answers(
        fixture, 1, requests, builder => builder.UseBackend((rows, outputs) => GpuShardsOfOne.Create(shards, rows, outputs)));
}
