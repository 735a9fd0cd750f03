using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>The number of shards changes no bit of any logit, whatever the model, the adapters and the mix.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShardedBitsTests
{
    /// <summary>
    /// Models and the shards that serve them: grouped heads and one key head for all, head counts that the shards do not divide, biases,
    /// normed heads, tied and untied heads, windows.
    /// </summary>
    private static readonly (string Fixture, int[] Shards)[] Models =
    [
        ("core-llama-gqa", [2, 4]), ("core-llama-mha", [2, 4]), ("core-llama-bias", [2, 4]), ("core-llama-tied-llama3", [2]),
        ("core-llama-rope-linear", [2]), ("core-llama-rope-yarn", [2]), ("core-mistral-window", [2, 4]), ("core-qwen2", [2, 4]),
        ("core-qwen3", [2, 4]),
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
                Prompt = Enumerable.Range(3, 5 + (4 * i)).ToArray(), Adapter = adapter, MaxTokens = 6, IgnoreEndOfText = true,
            }),
            new GenerationRequest
            {
                Prompt = Enumerable.Range(40, 19).ToArray(),
                Adapters = [.. adapters.Take(3).Select((adapter, i) => new AdapterUse(adapter, 0.5f + i))],
                MaxTokens = 6,
                IgnoreEndOfText = true,
            },
        ];

        Assert.That(
            await ShardedEngine.Answers(fixture, shards, requests), Is.EqualTo(await ShardedEngine.Answers(fixture, 1, requests)));
    }
}
