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
    public void Forty_requests_mixed_equal_each_alone()
    {
        List<GenerationRequest> requests = Workload(seed: 815);
        var alone = new List<(IReadOnlyList<int> Tokens, LogitsRecord Record)>();
        using (var engine = new SteppedEngine(builder => builder.UseGpu(), adapters: SteppedEngine.AdapterNames))
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
        using var mixed = new SteppedEngine(
            builder => builder.UseGpu()
                .ConfigurePool(pool => pool.Bytes = 3L << 20)
                .ConfigureScheduling(scheduling =>
                {
                    scheduling.MaxRowsPerStep = 64;
                    scheduling.MaxRunning = 24;
                }),
            chunkLimit: () => random.Next(1, 40),
            adapters: SteppedEngine.AdapterNames);
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
            for (int i = 0; i < Requests; i++)
            {
                Assert.That(answers[i].Answer.Tokens, Is.EqualTo(alone[i].Tokens), $"tokens of request {i}");
                Assert.That(answers[i].Record.Rows, Is.EqualTo(alone[i].Record.Rows), $"logits of request {i}");
            }
        });
    }

    /// <summary>Requests over all adapters, the base, and mixes of two or three; prompts of 1 to 60 tokens; greedy and sampled.</summary>
    private static List<GenerationRequest> Workload(int seed)
    {
        var random = new Random(seed);
        IReadOnlyList<string> names = SteppedEngine.AdapterNames;
        var requests = new List<GenerationRequest>();
        for (int i = 0; i < Requests; i++)
        {
            int uses = i % 4;
            requests.Add(new GenerationRequest
            {
                Prompt = Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(261)).ToArray(),
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
