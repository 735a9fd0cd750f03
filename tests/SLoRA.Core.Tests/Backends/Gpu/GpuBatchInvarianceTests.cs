using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>A request's logits on the Gpu backend are the same bits alone or in any mix.</summary>
[NonParallelizable]
[DeviceFixture]
public sealed class GpuBatchInvarianceTests
{
    private const int Requests = 40;

    [Test]
    public void Forty_requests_mixed_equal_each_alone() => AssertMixedEqualAlone(
        Workload(Requests, SteppedEngine.AdapterNames, vocabulary: 261, seed: 815), 3L << 20,
        (configure, chunkLimit) => new SteppedEngine(
            builder => configure(builder.UseGpu()), chunkLimit, adapters: SteppedEngine.AdapterNames));

    /// <summary>Experts, latents, windows beside whole layers, convolutions: with adapters on what is their own.</summary>
    [TestCase("later-olmoe", "later-experts", "later-all-linear-r4")]
    [TestCase("later-glm4-moe-lite", "mla-r8", "later-experts")]
    [TestCase("later-gemma4", "all-linear-r4", "qv-r8")]
    [TestCase("later-lfm2", "all-linear-r4", "qv-r8")]
    public void Models_of_other_kinds_too(string model, params string[] adapters) => AssertMixedEqualAlone(
        Workload(9, adapters, vocabulary: 132, seed: 6), 2L << 20,
        (configure, chunkLimit) => new SteppedEngine(
            builder =>
            {
                configure(builder.UseGpu().UseModel(RepositoryFolder.Fixture(model, "model")));
                foreach (string adapter in adapters)
                {
                    builder.AddAdapter(adapter, RepositoryFolder.Fixture(model, "adapters", adapter));
                }
            },
            chunkLimit));

    private static void AssertMixedEqualAlone(
        List<GenerationRequest> requests, long poolBytes,
        Func<Action<LoraServingEngineBuilder>, Func<int>?, SteppedEngine> create)
    {
        var alone = new List<(IReadOnlyList<int> Tokens, LogitsRecord Record)>();
        using (SteppedEngine engine = create(_ => { }, null))
        {
            foreach (GenerationRequest request in requests)
            {
                var record = new LogitsRecord();
                Answer answer = engine.Ask(request with { Tap = record });
                engine.Finish(answer);
                alone.Add((answer.Tokens, record));
            }
        }

        var random = new Random(4);
        using SteppedEngine mixed = create(
            builder => builder.ConfigurePool(pool => pool.Bytes = poolBytes).ConfigureScheduling(scheduling =>
            {
                scheduling.MaxRowsPerStep = 64;
                scheduling.MaxRunning = 24;
            }),
            () => random.Next(1, 40));
        var answers = new List<(Answer Answer, LogitsRecord Record)>();
        foreach (GenerationRequest request in requests)
        {
            var record = new LogitsRecord();
            answers.Add((mixed.Ask(request with { Tap = record }), record));
            for (int steps = random.Next(3); steps > 0; steps--)
            {
                mixed.Loop.Step();
            }
        }

        mixed.Finish(answers.Select(answer => answer.Answer));
        Assert.Multiple(() =>
        {
            for (int i = 0; i < requests.Count; i++)
            {
                Assert.That(answers[i].Answer.Tokens, Is.EqualTo(alone[i].Tokens), $"tokens of request {i}");
                Assert.That(answers[i].Record.Rows, Is.EqualTo(alone[i].Record.Rows), $"logits of request {i}");
            }
        });
    }

    /// <summary>Requests over all adapters, the base, and mixes of two or three; prompts of 1 to 60 tokens; greedy and sampled.</summary>
    private static List<GenerationRequest> Workload(int count, IReadOnlyList<string> names, int vocabulary, int seed)
    {
        var random = new Random(seed);
        var requests = new List<GenerationRequest>();
        for (int i = 0; i < count; i++)
        {
            int uses = Math.Min(i % 4, names.Count);
            requests.Add(new GenerationRequest
            {
                Prompt = Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(vocabulary)).ToArray(),
                Adapters = [.. Enumerable.Range(0, uses)
                    .Select(use => new AdapterUse(names[(i + (5 * use)) % names.Count], use == 0 ? 1 : 0.5f - use))],
                MaxTokens = random.Next(1, 10),
                IgnoreEndOfText = true,
                Sampling = i % 3 == 0 ? new SamplingOptions { Temperature = 0.9f, TopP = 0.9f, Seed = i } : SamplingOptions.Greedy,
            });
        }

        return requests;
    }
}
