using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>What an engine tells the driver, step by step; each runs in a process of its own.</summary>
internal static class StepScenarios
{
    private const int Layers = 3;

    /// <summary>A prompt under an adapter, then decoding, then another request under the same adapter.</summary>
    public static void Sequence()
    {
        using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear"]);
        Answer answer = engine.Ask(StubEngine.Request("all-linear", maxTokens: 5));
        string[] prompt = StubEngine.Step(engine.Loop);
        string[] decode = StubEngine.Step(engine.Loop);

        // Page-in before, on its own stream and waited for, as nothing else can compute; then the plan and the directory of the new
        // adapter.
        string[] copies = [.. prompt.TakeWhile(line => line.StartsWith("stream 2: ", StringComparison.Ordinal))];
        Assert.That(copies, Has.Some.StartsWith("stream 2: copy up ").And.Some.EqualTo("stream 2: record"), string.Join('\n', prompt));
        Assert.That(copies[^2..], Is.EqualTo((string[])["stream 2: not reached", "stream 2: wait"]), string.Join('\n', prompt));
        prompt = prompt[copies.Length..];
        Assert.That(prompt.TakeWhile(IsUpload).Count(), Is.EqualTo(2), string.Join('\n', prompt));
        Assert.That(decode.TakeWhile(IsUpload).Count(), Is.EqualTo(1), string.Join('\n', decode));
        foreach (string[] step in (string[][])[prompt, decode])
        {
            string[] behind = [.. step.SkipWhile(IsUpload)];
            Assert.That(Names(behind)[..Expected.Length], Is.EqualTo(Expected), string.Join('\n', step));
            Assert.That(behind.Count(IsUpload), Is.Zero, "uploads behind the first launch");
            Assert.That(step.Count(line => line == "synchronize"), Is.EqualTo(1));
            Assert.That(step[^1], Is.EqualTo("synchronize"));
            Assert.That(step[^2], Does.StartWith("copy down "));
            Assert.That(step.Where(line => line.StartsWith("cu", StringComparison.Ordinal)), Is.Empty, "allocations, frees, events");
        }

        // The embedding has a group per row: five of the prompt, then one.
        Assert.That(prompt.First(line => !IsUpload(line)), Is.EqualTo("launch Kernel_Run 5 1 1"));
        Assert.That(decode.First(line => !IsUpload(line)), Is.EqualTo("launch Kernel_Run 1 1 1"));
        engine.Finish(answer);

        Answer again = engine.Ask(StubEngine.Request("all-linear"));
        Assert.That(StubEngine.Step(engine.Loop).TakeWhile(IsUpload).Count(), Is.EqualTo(1), "the adapter and its directory are there");
        engine.Finish(again);
        Answer plain = engine.Ask(StubEngine.Request(adapter: null));
        Assert.That(
            Names(StubEngine.Step(engine.Loop)), Has.None.Contains("Shrink").And.None.Contains("Expand"), "a step without adapters");
        engine.Finish(plain);
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>
    /// Launches of a step by layers: those of the base; eight more per layer and four if there are adapters, however many; on tensor cores
    /// as many for a prompt as for a token.
    /// </summary>
    public static void Launches()
    {
        using (var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear", "wide", "r1"]))
        {
            const int Base = (12 * Layers) + 6;
            Assert.That(Count(engine, 5), Is.EqualTo((Base, Base)));
            Assert.That(Count(engine, 40), Is.EqualTo((Base, Base)));
            const int Adapted = Base + (8 * Layers) + 4;
            Assert.That(Count(engine, 5, "all-linear"), Is.EqualTo((Adapted, Adapted)));
            Assert.That(Count(engine, 5, "all-linear", "wide", "r1"), Is.EqualTo((Adapted, Adapted)));
        }

        // Weights of bfloat16, 64 and 96 columns; q, k, v are one product, and so are gate and up.
        using var tensor = new SteppedEngine(builder =>
        {
            StubEngine.Configure(builder);
            builder.UseModel(RepositoryFolder.Fixture("later-phi4-mini", "model"));
        });
        (int few, int decode) = Count(tensor, 16);
        Assert.That(few, Is.EqualTo(decode));
        Assert.That(Count(tensor, 40), Is.EqualTo((decode, decode)));
    }

    /// <summary>Steps that were seen before allocate nothing, managed or native.</summary>
    public static void Allocations()
    {
        using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear", "wide"]);
        engine.Finish(engine.Ask(StubEngine.Request("all-linear")), engine.Ask(StubEngine.Request("wide")));
        ResidentAdapter[] adapters = [.. engine.Loop.DeviceCache.Resident.Select(generation => generation.Resident!)];
        Decoder decoder = StubEngine.DecoderOf(engine.Loop);
        var plan = new StepPlan(64, 8);
        int first = plan.AddSlice([3, 4, 5], 0, [0], 1);
        int second = plan.AddSlice([6], 20, [1, 2], 1);
        plan.Lora.Add(adapters[0], first, 3, 1, startsPlace: true);
        plan.Lora.Add(adapters[1], second, 1, 1, startsPlace: false);
        for (int i = 0; i < 40; i++)
        {
            decoder.Run(plan);
        }

        Stub.Reset();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            decoder.Run(plan);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        string[] log = Stub.Log;
        Assert.That(allocated, Is.Zero);
        Assert.That(log.Where(line => line.StartsWith("cuMem", StringComparison.Ordinal)), Is.Empty);
        Assert.That(log.Count(IsUpload), Is.EqualTo(10), "one plan a step");
        Assert.That(log.Count(line => line == "synchronize"), Is.EqualTo(10));
    }

    /// <summary>What is taken once, and what disposal gives back.</summary>
    public static async Task Memory()
    {
        Stub.Reset();
        await using (LoraServingEngine engine = await StubEngine.Builder().BuildAsync())
        {
            string[] log = Stub.Log;
            long[] taken = [.. log.Where(line => line.StartsWith("cuMemAlloc ", StringComparison.Ordinal))
                .Select(line => long.Parse(line.AsSpan(11), null))];
            long freed = log.Count(line => line.StartsWith("cuMemFree ", StringComparison.Ordinal));
            Assert.That(freed, Is.Zero, "device memory that building gives back");

            // fp32 weights of core-llama-gqa: embedding and head, norms, and per layer q, k, v, o, gate, up, down; every one rounded up to
            // 256 bytes.
            long weights = 4 * ((2 * 261 * 64) + 64 + (Layers * ((2 * 64) + (64 * (64 + 32 + 32 + 64)) + (3 * 64 * 136))));
            Assert.That(taken.Count(bytes => bytes == weights), Is.EqualTo(1), $"{weights} of weights in {string.Join(", ", taken)}");
            Assert.That(taken.Count(bytes => bytes is <= 1 << 20 and > 1_000_000), Is.EqualTo(1), "the pool");

            // Weights, pool, activations, plan, directories, shrunken rows; then what sampling wants.
            Assert.That(taken, Has.Length.InRange(6, 9), string.Join(", ", taken));
            Assert.That(log.Count(line => line.StartsWith("cuStreamCreate", StringComparison.Ordinal)), Is.EqualTo(2),
                "steps and copies beside them");
            Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1"))), Is.EqualTo(4));
        }

        string[] all = Stub.Log;
        foreach (string kind in (string[])["cuMemAlloc", "cuMemAllocHost"])
        {
            string free = kind.Replace("Alloc", "Free", StringComparison.Ordinal);
            Assert.That(Bytes(all, free + " "), Is.EquivalentTo(Bytes(all, kind + " ")), kind);
        }

        Assert.That(all[^1], Is.EqualTo("cuCtxDestroy 0 left"), "nothing is left to the context");
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>Inputs of o and down are no whole runs of 32 columns, leaf by leaf: their ranks are not shrunk on tensor cores.</summary>
    private static string[] Expected =>
    [
        "Run", "ShrinkEmbedding", "ExpandOnTensorCores", "Run", .. Enumerable.Range(0, Layers).SelectMany(layer => (string[])
        [
            "Few", "Few", "Few", "ShrinkOnTensorCores", "ExpandOnTensorCores", "Run", "Attend",
            "FewOfLeaves", "ShrinkOfLeaves", "ExpandOnTensorCores", "AddAndRun",
            "Few", "Few", "ShrinkOnTensorCores", "ExpandOnTensorCores", "Gate",
            "FewOfLeaves", "ShrinkOfLeaves", "ExpandOnTensorCores", layer < Layers - 1 ? "AddAndRun" : "Add",
        ]),
        "Gather", "Run", "Few", "ShrinkOnTensorCores", "ExpandOnTensorCores",
    ];

    /// <summary>Launches of the step with the prompts, and of the one behind it, of requests under these adapters or of the base.</summary>
    private static (int Prompt, int Decode) Count(SteppedEngine engine, int tokens, params string[] adapters)
    {
        // Adapters come into pages before what is counted.
        engine.Finish(adapters.Select(adapter => engine.Ask(StubEngine.Request(adapter))).ToArray());
        Answer[] answers =
        [
            .. adapters.DefaultIfEmpty(null).Select(adapter => engine.Ask(StubEngine.Request(adapter, maxTokens: 3) with
            {
                Prompt = Enumerable.Range(3, tokens).ToArray(),
                CacheSalt = $"{tokens}",
            })),
        ];
        int[] launches =
        [
            .. Enumerable.Range(0, 2).Select(_ =>
                StubEngine.Step(engine.Loop).Count(line => line.StartsWith("launch ", StringComparison.Ordinal))),
        ];
        engine.Finish(answers);
        return (launches[0], launches[1]);
    }

    private static bool IsUpload(string line) => line.StartsWith("copy up ", StringComparison.Ordinal);

    private static string[] Bytes(string[] log, string call) =>
        [.. log.Where(line => line.StartsWith(call, StringComparison.Ordinal)).Select(line => line[call.Length..])];

    private static string[] Names(string[] log) =>
        [.. log.Where(line => line.StartsWith("launch ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[1].Replace("Kernel_", "", StringComparison.Ordinal))];
}
