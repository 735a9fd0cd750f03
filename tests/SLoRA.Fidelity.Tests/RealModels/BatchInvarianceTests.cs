using System.Collections.Concurrent;
using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// Two hundred requests over all adapters and the base arrive and leave at random, in prompt chunks of random sizes, in a pool that is too
/// small for them: each gets the tokens, and its logits the bits, that it gets alone; and at the end every page is free.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class BatchInvarianceTests
{
    private const int Count = 200;
    private const int Seed = 20311;

    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<Outcome>>> AloneRuns = new();

    public static IEnumerable<TestCaseData> Cases() =>
        from folder in RealModelFolder.All()
        where folder.Files("mix*.json").Any()
        from threads in new[] { 1, 2 }
        select new TestCaseData(folder.Path, threads).SetName($"Batch invariance({folder.Path}, {Count} requests, threads {threads}, Cpu)");

    [TestCaseSource(nameof(Cases))]
    public async Task Tokens_and_the_bits_of_logits_are_those_of_each_request_alone(string path, int threads)
    {
        var folder = new RealModelFolder(path);
        IReadOnlyList<Outcome> alone = AloneRuns.GetOrAdd(path, _ => new Lazy<IReadOnlyList<Outcome>>(() => Alone(folder))).Value;
        var random = new Random(Seed + threads);
        using var engine = new SteppedEngine(Builder(folder, threads, SmallPool(folder)), () => random.Next(1, 65));
        IReadOnlyList<InvarianceRequest> requests = Requests(folder);
        Outcome[] mixed = Mix(engine, requests, random);
        int cancelled = 0;
        Assert.Multiple(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                bool whole = mixed[i].Tokens.Length == alone[i].Tokens.Length;
                cancelled += whole ? 0 : 1;
                Assert.That(whole || requests[i].Leaves is not null, Is.True, $"request {i} ended early");
                Assert.That(mixed[i].Tokens, Is.EqualTo(alone[i].Tokens.Take(mixed[i].Tokens.Length)), $"tokens of request {i}");
                Assert.That(mixed[i].Logits, Is.SubsetOf(alone[i].Logits), $"bits of the logits of request {i}");
                Assert.That(whole
                    ? mixed[i].Logits.Count
                    : alone[i].Logits.Count, Is.EqualTo(alone[i].Logits.Count), $"rows of request {i}");
            }
        });
        TestContext.Out.WriteLine($"{engine.Steps} steps, {cancelled} of {Count} requests cancelled before their end");
        Assert.That(cancelled, Is.Positive, "nobody left early: the test would not have tested it");
        await RemoveAdapters(engine, folder);
        Assert.That(engine.Leak(), Is.Null);
    }

    private static IReadOnlyList<InvarianceRequest> Requests(RealModelFolder folder) =>
        InvarianceRequest.Many(Count, folder.Adapters(),
            [.. folder.Read(folder.Files("mix*.json").First()).Requests.SelectMany(request => request.PromptIds)], Seed);

    private static Outcome[] Mix(SteppedEngine engine, IReadOnlyList<InvarianceRequest> requests, Random random)
    {
        var answers = new List<(SteppedAnswer Answer, LogitsHash Hash)>();
        var leaving = new List<(int Step, CancellationTokenSource Source)>();
        while (answers.Count < requests.Count || answers.Any(answer => answer.Answer.IsRunning))
        {
            for (int arrivals = random.Next(4); arrivals > 0 && answers.Count < requests.Count; arrivals--)
            {
                InvarianceRequest request = requests[answers.Count];
                var hash = new LogitsHash(request.SeesPrompt);
                var source = new CancellationTokenSource();
                leaving.AddRange(request.Leaves is { } steps ? [(engine.Steps + steps, source)] : []);
                answers.Add((engine.Submit(request.ToRequest(hash), source.Token), hash));
            }

            leaving.ForEach(leave => (leave.Step <= engine.Steps ? leave.Source : null)?.Cancel());
            engine.Step();
        }

        return [.. answers.Select(answer => new Outcome(answer.Answer.Tokens.GetAwaiter().GetResult(), answer.Hash.Rows))];
    }

    private static IReadOnlyList<Outcome> Alone(RealModelFolder folder)
    {
        using var engine = new SteppedEngine(Builder(folder, 2, 1L << 30));
        var outcomes = new List<Outcome>();
        foreach (InvarianceRequest request in Requests(folder))
        {
            var hash = new LogitsHash(request.SeesPrompt);
            SteppedAnswer answer = engine.Submit(request.ToRequest(hash));
            engine.Finish([answer]);
            outcomes.Add(new Outcome(answer.Tokens.GetAwaiter().GetResult(), hash.Rows));
        }

        return outcomes;
    }

    private static LoraServingEngineBuilder Builder(RealModelFolder folder, int threads, long poolBytes)
    {
        string? model = folder.Model("bf16") ?? folder.Model("f32");
        if (model is null)
        {
            Assert.Ignore($"{folder.Path} has no model with bf16 or f32 weights");
        }

        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(model!)
            .UseCpu(cpu => cpu.Threads = threads)
            .ConfigurePool(pool => pool.Bytes = poolBytes)
            .ConfigureScheduling(scheduling => scheduling.StreamBuffer = 1024);
        foreach (string adapter in folder.Adapters())
        {
            builder.AddAdapter(adapter, folder.Adapter(adapter));
        }

        return builder;
    }

    /// <summary>Holds the two largest adapters and some keys and values, so that requests wait and adapters come and go.</summary>
    private static long SmallPool(RealModelFolder folder) =>
        (16L << 20) + folder.Adapters()
            .Select(adapter => new FileInfo(Path.Combine(folder.Adapter(adapter), "adapter_model.safetensors")).Length)
            .OrderDescending()
            .Take(2)
            .Sum();

    private static async Task RemoveAdapters(SteppedEngine engine, RealModelFolder folder)
    {
        foreach (string adapter in folder.Adapters())
        {
            Task<bool> removed = engine.Adapters.UnregisterAsync(adapter);
            while (!removed.IsCompleted)
            {
                engine.Step();
            }

            Assert.That(await removed, Is.True, adapter);
        }
    }

    private sealed record Outcome(int[] Tokens, SortedDictionary<int, ulong> Logits);
}
