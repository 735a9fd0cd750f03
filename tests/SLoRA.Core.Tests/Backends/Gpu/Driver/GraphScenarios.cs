using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Core.Tests.Engine;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Decode steps as graphs, over the stub driver; each runs in a process of its own.</summary>
internal static class GraphScenarios
{
    private const int Layers = 3;

    /// <summary>Launches of a decode step with adapters: see <see cref="StepScenarios.Launches"/>.</summary>
    private const int Launches = (12 * Layers) + 6 + (8 * Layers) + 4;

    /// <summary>Entry points that make a graph.</summary>
    private static readonly string[] Making =
        ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphUpload", "cuGraphDestroy"];

    /// <summary>What becomes a graph, for how long, and what does not.</summary>
    public static void Steps()
    {
        Replays();
        Exceptions();
        Families();
        Growth();
        Kept();
    }

    /// <summary>Every entry point fails once, or for ever.</summary>
    public static async Task Faults()
    {
        await MakingFails();
        await LaunchingFails();
    }

    /// <summary>The first decode step of its kind is launched, the second recorded, and all others are one launch.</summary>
    private static void Replays()
    {
        using var engine = Engine();
        Answer answer = engine.Ask(StubEngine.Request("all-linear", maxTokens: 12));
        StubEngine.Step(engine.Loop);
        Assert.That(Count(StubEngine.Step(engine.Loop), "launch "), Is.EqualTo(Launches));
        string[] recorded = StubEngine.Step(engine.Loop);
        Assert.That(Count(recorded, "launch "), Is.Zero);
        Assert.That(Count(recorded, "capture "), Is.EqualTo(Launches));
        Assert.That(recorded, Does.Contain($"instantiate {Launches}"));
        string[] step = StubEngine.Step(engine.Loop);
        Assert.That(step, Has.Length.EqualTo(4), string.Join('\n', step));
        Assert.That(step[0], Does.StartWith("copy up "));
        Assert.That(step[1], Is.EqualTo($"graph {Launches}"));
        Assert.That(step[2], Does.StartWith("copy down "));
        Assert.That(step[3], Is.EqualTo("synchronize"));
        engine.Finish(answer);

        // Three and four sequences have a graph together, whatever their adapters; what follows on it is one launch a step.
        Answer[] four = [.. new[] { "all-linear", "wide", null, "r1" }.Select(adapter => engine.Ask(StubEngine.Request(adapter, 8)))];
        engine.Finish(four);
        int graphs = Stub.Graphs;
        Answer[] three = [.. new[] { "wide", "r1", null }.Select(adapter => engine.Ask(StubEngine.Request(adapter, 6)))];
        StubEngine.Step(engine.Loop);
        string[] other = StubEngine.Step(engine.Loop);
        Assert.That(other, Does.Contain($"graph {Launches}"), string.Join('\n', other));
        Assert.That(other, Has.Length.EqualTo(4), string.Join('\n', other));
        engine.Finish(three);
        Assert.That(Stub.Graphs, Is.EqualTo(graphs), "graphs");
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>Steps with prompts are launched, and so is every step where graphs are off or an adapter does more.</summary>
    private static void Exceptions()
    {
        using (var engine = Engine())
        {
            Answer[] running = [.. Enumerable.Range(0, 2).Select(_ => engine.Ask(StubEngine.Request(null, maxTokens: 20)))];
            for (int i = 0; i < 6; i++)
            {
                StubEngine.Step(engine.Loop);
            }

            Answer prompt = engine.Ask(StubEngine.Request(null) with { Prompt = Enumerable.Range(3, 9).ToArray() });
            string[] mixed = StubEngine.Step(engine.Loop);
            Assert.That(Count(mixed, "launch "), Is.EqualTo((12 * Layers) + 6), string.Join('\n', mixed));
            Assert.That(mixed, Has.None.Contains("capture").And.None.StartsWith("graph"));
            engine.Finish([prompt, .. running]);
        }

        AssertNoGraphs(builder => builder.UseGpu(gpu => (gpu.Driver, gpu.Graphs) = (GpuDriver.Cuda, false)), null);
        AssertNoGraphs(_ => { }, "later-dora");
    }

    /// <summary>With experts, or with states, steps have as many rows as a graph or none.</summary>
    private static void Families()
    {
        foreach (string model in (string[])["later-olmoe", "later-lfm2", "later-glm4-moe-lite", "later-qwen3-5-moe"])
        {
            using var engine = new SteppedEngine(builder =>
            {
                Configure(builder);
                builder.UseModel(RepositoryFolder.Fixture(model, "model"));
            });
            Stub.Reset();
            engine.Finish(engine.Ask(StubEngine.Request(null, maxTokens: 8)));
            Assert.That(Count(Stub.Log, "graph "), Is.EqualTo(6), model);
            Answer[] two = [engine.Ask(StubEngine.Request(null, maxTokens: 8)), engine.Ask(StubEngine.Request(null, maxTokens: 12))];
            Stub.Reset();
            engine.Finish(two);

            // Two rows: six of seven steps; then one row, four more.
            Assert.That(Count(Stub.Log, "graph "), Is.EqualTo(10), model);
            Assert.That(Stub.Misuses, Is.Zero);
        }
    }

    /// <summary>Graphs are made anew when memory that their launches name is taken anew, and old ones are freed.</summary>
    private static void Growth()
    {
        using (var engine = Engine())
        {
            engine.Finish(engine.Ask(StubEngine.Request("all-linear")));
            ResidentAdapter adapter = engine.Loop.DeviceCache.Resident.Single().Resident!;
            Decoder decoder = StubEngine.DecoderOf(engine.Loop);
            int before = Stub.Graphs;
            Assert.That(before, Is.EqualTo(1));
            decoder.Run(Decode(adapter, pages: 1));
            Stub.Reset();
            decoder.Run(Decode(adapter, pages: 1));
            Assert.That(Count(Stub.Log, "graph "), Is.EqualTo(1), string.Join('\n', Stub.Log));

            // More pages than the upload has had room for.
            decoder.Run(Decode(adapter, pages: 20_000));
            Assert.That(Stub.Log, Has.Some.StartsWith("cuMemFree "));
            Assert.That(Stub.Graphs, Is.EqualTo(1), "the others are freed, this one is made");
            Stub.Reset();
            decoder.Run(Decode(adapter, pages: 1));
            Assert.That(Stub.Log, Has.Length.EqualTo(4), string.Join('\n', Stub.Log));
            Assert.That(Stub.Misuses, Is.Zero);
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>As many graphs are kept as are said to be, however many kinds of steps there are.</summary>
    private static void Kept()
    {
        using var engine = Engine();
        Decoder decoder = StubEngine.DecoderOf(engine.Loop);
        int kinds = 0;
        for (int splits = 1; splits <= 1024; splits *= 2)
        {
            foreach (int seen in (int[])[0, 64, 128, 256, 512, 1024, 2048])
            {
                var plan = new StepPlan(64, 8);
                plan.AddSlice([3], (splits * 256) - 1, [0], 1);
                plan.Choices.Add(new TokenChoice(0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), new int[seen], new int[seen], [], []);
                decoder.Run(plan);
                decoder.Run(plan);
                Assert.That(Stub.Graphs, Is.EqualTo(Math.Min(++kinds, StepGraphs.Kept)));
            }
        }

        Assert.That(kinds, Is.GreaterThan(StepGraphs.Kept));
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>Steps that are one launch allocate nothing.</summary>
    public static void Allocations()
    {
        using var engine = Engine();
        engine.Finish(engine.Ask(StubEngine.Request("all-linear")));
        StepPlan plan = Decode(engine.Loop.DeviceCache.Resident.Single().Resident!, pages: 1);
        Decoder decoder = StubEngine.DecoderOf(engine.Loop);
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

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(Count(Stub.Log, "graph "), Is.EqualTo(10));
        Assert.That(Stub.Log, Has.Length.EqualTo(40));
    }

    /// <summary>A driver that cannot make a graph: the step is launched, and so are all that follow.</summary>
    private static async Task MakingFails()
    {
        foreach (string call in Making)
        {
            foreach (int code in (int[])[Stub.OutOfMemory, Stub.LaunchFailed])
            {
                await using (LoraServingEngine engine = await Builder().BuildAsync())
                {
                    Stub.Reset();
                    Stub.Fail(call, 1, code, forEver: 0);
                    Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 8))), Is.EqualTo(8), call);
                    Assert.That(Stub.Fired, Is.True, call);
                    string[] log = Stub.Log;
                    int graphs = call == "cuGraphDestroy" ? 6 : 0;
                    Assert.That(Count(log, "graph "), Is.EqualTo(graphs), call);
                    Assert.That(Count(log, "begin capture"), Is.EqualTo(call == Making[0] ? 0 : 1), "it is not tried again");
                }

                AllIsBack(call);
            }
        }
    }

    /// <summary>A launch that fails while it is recorded is made again; a graph that cannot be launched ends the streams.</summary>
    private static async Task LaunchingFails()
    {
        await using (LoraServingEngine engine = await Builder().BuildAsync())
        {
            Stub.Reset();
            Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 2))), Is.EqualTo(2));
            Stub.Fail("cuLaunchKernel", Launches + 20, Stub.LaunchFailed, forEver: 0);
            Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 8))), Is.EqualTo(8));
            Assert.That((Stub.Fired, Count(Stub.Log, "graph ")), Is.EqualTo((true, 0)));
        }

        AllIsBack("a launch that is recorded fails");
        foreach ((string call, int forEver) in ((string, int)[])[("cuGraphLaunch", 0), ("cuGraphLaunch", 1), ("cuStreamEndCapture", 1)])
        {
            await using (LoraServingEngine engine = await Builder().BuildAsync())
            {
                Stub.Reset();
                Stub.Fail(call, 1, Stub.LaunchFailed, forEver);
                var error = await Assert.ThrowsAsync<EngineFaultedException>(
                    () => StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 8))));
                Assert.That((error!.InnerException as GpuException)?.Reason, Is.EqualTo(GpuError.DeviceFailed), call);
            }

            AllIsBack(call);
        }

        await using (LoraServingEngine engine = await Builder().BuildAsync())
        {
            Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 8))), Is.EqualTo(8));
            Stub.Fail("cuGraphExecDestroy", 1, Stub.LaunchFailed, forEver: 0);
        }

        AllIsBack("cuGraphExecDestroy");
    }

    /// <summary>An engine on a device that is open already takes the kernels that one before has left.</summary>
    public static void Modules()
    {
        using var held = Engine();
        int own = Stub.Modules;
        SteppedEngine first = Engine();
        Assert.That(Stub.Modules, Is.EqualTo(2 * own), "engines at the same time share no kernel");
        first.Finish(first.Ask(StubEngine.Request("all-linear")));
        first.Dispose();
        Assert.That(Stub.Modules, Is.EqualTo(2 * own), "kernels that wait for the next engine");
        Stub.Reset();
        using (var second = Engine())
        {
            second.Finish(second.Ask(StubEngine.Request("all-linear")));
            Assert.That(Stub.Modules, Is.EqualTo(2 * own));
            Assert.That(Count(Stub.Log, "module "), Is.Zero, "modules that the second has loaded");
        }

        held.Dispose();
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    private static SteppedEngine Engine() => new(Configure, adapters: ["all-linear", "wide", "r1"]);

    private static LoraServingEngineBuilder Builder() => StubEngine.Builder(Configure);

    private static void Configure(LoraServingEngineBuilder builder)
    {
        StubEngine.Configure(builder);
        builder.UseGpu(gpu => gpu.Driver = GpuDriver.Cuda);
    }

    private static StepPlan Decode(ResidentAdapter adapter, int pages)
    {
        var plan = new StepPlan(64, 8);
        int row = plan.AddSlice([3], 7, new int[pages], 1);
        plan.Choices.Add(new TokenChoice(0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), [], [], [], []);
        plan.Lora.Add(adapter, row, 1, 1, startsPlace: true);
        return plan;
    }

    private static void AssertNoGraphs(Action<LoraServingEngineBuilder> configure, string? adapter)
    {
        using var engine = new SteppedEngine(
            builder =>
            {
                Configure(builder);
                configure(builder);
            },
            adapters: adapter is null ? [] : [adapter]);
        Stub.Reset();
        engine.Finish(engine.Ask(StubEngine.Request(adapter, maxTokens: 8)));
        Assert.That(Stub.Log, Has.None.Contains("capture").And.None.StartsWith("graph"));
        Assert.That(Count(Stub.Log, "launch "), Is.GreaterThan(8 * Layers));
    }

    private static int Count(string[] log, string beginning) => log.Count(line => line.StartsWith(beginning, StringComparison.Ordinal));

    private static void AllIsBack(string when) =>
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)), when);
}
