using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// A request's logits are the same bits alone or in any mix, whatever the chunks, the arrivals, the queue and the number of threads.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class BatchInvarianceTests
{
    private const int Requests = 100;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void A_hundred_requests_mixed_equal_each_alone(int threads)
    {
        IReadOnlyList<GenerationRequest> requests = Workload(seed: 4711);
        List<Expected> alone = Alone(requests, threads);
        var random = new Random(threads);
        using var engine = new SteppedEngine(
            builder => builder.UseCpu(cpu => cpu.Threads = threads)
                .ConfigurePool(pool => pool.Bytes = 3L << 20)
                .ConfigureScheduling(scheduling =>
                {
                    scheduling.MaxRowsPerStep = 64;
                    scheduling.MaxRunning = 24;
                }),
            chunkLimit: () => random.Next(1, 40),
            adapters: SteppedEngine.AllAdapterNames);

        var answers = new List<Answer>();
        var records = new List<LogitsRecord>();
        foreach (GenerationRequest request in requests)
        {
            var record = new LogitsRecord();
            records.Add(record);
            answers.Add(engine.Ask(request with { Tap = record }));
            for (int steps = random.Next(3); steps > 0; steps--)
            {
                engine.Loop.Step();
            }
        }

        engine.Finish(answers);

        Assert.Multiple(() =>
        {
            for (int i = 0; i < Requests; i++)
            {
                Assert.That(answers[i].Tokens, Is.EqualTo(alone[i].Tokens), $"tokens of request {i}");
                Assert.That(records[i].Rows, Is.EqualTo(alone[i].Rows), $"logits of request {i}");
            }
        });
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total), "pages at the end");
    }

    [Test]
    public void Rows_of_the_base_are_untouched_by_adapters_in_the_same_step()
    {
        using var engine = new SteppedEngine(adapters: SteppedEngine.AllAdapterNames);
        int[] prompt = [.. Enumerable.Range(5, 20), .. SteppedEngine.Invocation, .. Enumerable.Range(30, 20)];
        var alone = new LogitsRecord();
        engine.Finish(engine.Ask(new GenerationRequest { Prompt = prompt, MaxTokens = 8, Tap = alone }));

        var mixed = new LogitsRecord();
        List<Answer> answers = [engine.Ask(new GenerationRequest { Prompt = prompt, MaxTokens = 8, Tap = mixed })];
        answers.AddRange(SteppedEngine.AllAdapterNames.Select(
            name => engine.Ask(new GenerationRequest { Prompt = prompt, MaxTokens = 8, Adapter = name })));
        engine.Finish(answers);

        Assert.That(mixed.Rows, Is.EqualTo(alone.Rows));
    }

    private static List<Expected> Alone(IReadOnlyList<GenerationRequest> requests, int threads)
    {
        using var engine = new SteppedEngine(
            builder => builder.UseCpu(cpu => cpu.Threads = threads == 1 ? 2 : 1), adapters: SteppedEngine.AllAdapterNames);
        var expected = new List<Expected>();
        foreach (GenerationRequest request in requests)
        {
            var record = new LogitsRecord();
            Answer answer = engine.Ask(request with { Tap = record });
            engine.Finish(answer);
            expected.Add(new Expected(answer.Tokens, record.Rows));
        }

        return expected;
    }

    /// <summary>
    /// Requests over all adapters, the base, and mixes of two; prompts of 1 to 90 tokens; greedy and sampled.
    /// </summary>
    private static List<GenerationRequest> Workload(int seed)
    {
        var random = new Random(seed);
        IReadOnlyList<string> all = SteppedEngine.AllAdapterNames, plain = SteppedEngine.AdapterNames;
        var requests = new List<GenerationRequest>();
        for (int i = 0; i < Requests; i++)
        {
            int uses = i % (all.Count + 3) < all.Count ? 1 : i % (all.Count + 3) - all.Count;
            uses = uses == 1 && i % 11 == 0 ? 0 : uses;
            string[] names =
            [
                .. Enumerable.Range(0, uses).Select(use => uses == 1 ? all[i % (all.Count + 3) % all.Count]
                    : use == 0 ? "later-lora-bias" : plain[(i + (5 * use)) % plain.Count]),
            ];
            IEnumerable<int> prompt = Enumerable.Range(0, random.Next(1, 90)).Select(_ => random.Next(261));
            requests.Add(new GenerationRequest
            {
                Prompt = names is ["later-alora"] ? [.. prompt, .. SteppedEngine.Invocation, 9, 8, .. prompt] : prompt.ToArray(),
                Adapters = [.. names.Select((name, use) => new AdapterUse(name, use == 0 ? 1 : 0.5f - use))],
                MaxTokens = random.Next(1, 16),
                IgnoreEndOfText = true,
                Sampling = i % 3 == 0 ? new SamplingOptions { Temperature = 0.9f, TopP = 0.9f, Seed = i } : SamplingOptions.Greedy,
            });
        }

        return requests;
    }

    private sealed record Expected(IReadOnlyList<int> Tokens, SortedDictionary<int, ulong> Rows);
}
