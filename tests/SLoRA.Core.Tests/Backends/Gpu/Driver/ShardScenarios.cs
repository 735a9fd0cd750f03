using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Sharded;
using SLoRA.Core.Tests.Engine;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Several devices that share a model, as the driver sees them; each runs in a process of its own.</summary>
internal static class ShardScenarios
{
    internal const int Layers = 3;

    // The embedding; o and down in two halves each.
    internal const int BaseMeetings = 1 + (4 * Layers);

    /// <summary>Devices that reach each other: a copy from each other one at every meeting, and the host waits once.</summary>
    public static void PeerCopies()
    {
        using SteppedEngine engine = Engine(2);
        Assert.That(engine.Status.Backend.Exchange, Is.EqualTo("peer copies"));
        string[] plain = Step(engine, StubEngine.Request(null));

        // Only one of the two has the one row's entry.
        Assert.That(Count(plain, "stream 2: peer copy from device "), Is.EqualTo((2 * BaseMeetings) - 1));
        Assert.That(Count(plain, "synchronize"), Is.EqualTo(2));
        Assert.That(Count(plain, "Shrink") + Count(plain, "Ranks"), Is.Zero);

        // Adapters: q, k and v together, gate and up together; the ranks of o and down go along with the base's.
        string[] adapted = Step(engine, StubEngine.Request("all-linear"));
        Assert.That(Count(adapted, "peer copy"), Is.EqualTo((2 * (BaseMeetings + (2 * Layers))) - 1), string.Join('\n', adapted));
        Assert.That(Count(adapted, "synchronize"), Is.EqualTo(2));
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>Devices that do not: down from one, up to the other.</summary>
    public static void ThroughMainMemory()
    {
        using SteppedEngine engine = Engine(2);
        Assert.That(engine.Status.Backend.Exchange, Is.EqualTo("through page-locked main memory"));
        string[] plain = Step(engine, StubEngine.Request(null));

        // Only one of the two has the one row's entry.
        Assert.That(Count(plain, "stream 2: copy down "), Is.EqualTo((2 * BaseMeetings) - 1));
        Assert.That(Count(plain, "stream 2: copy up "), Is.EqualTo((2 * BaseMeetings) - 1));
        Assert.That(Count(plain, "synchronize"), Is.EqualTo(2));
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>
    /// What four devices send each other arrives whole in every one of many rounds that nobody waits for, although the driver copies as
    /// late as it may.
    /// </summary>
    public static unsafe void Rounds()
    {
        const int Devices = 4, Numbers = 64, Rounds = 9;
        GpuDevice[] devices =
            [.. Enumerable.Range(0, Devices).Select(device => GpuDevice.Open(new GpuOptions { Driver = GpuDriver.Cuda, Device = device }))];
        ShardLink[] links = GpuShards.Links([.. devices], Exchange, peers: true, new Meeting(Devices));
        Array.ForEach(links, link => link.Reserve(Devices * Numbers));
        HostBuffer[] sent = [.. devices.Select(device => new HostBuffer(device, Rounds * Numbers * sizeof(float)))];
        HostBuffer[] got = [.. devices.Select(device => new HostBuffer(device, Rounds * Devices * Numbers * sizeof(float)))];
        for (int round = 0; round < Rounds; round++)
        {
            int turn = round & 1;
            for (int i = 0; i < Devices; i++)
            {
                long at = round * Numbers * sizeof(float);
                sent[i].Span<float>(at, Numbers).Fill((100 * round) + i);
                devices[i].Upload(sent[i].Address + at, links[i].Sent(turn).SubView(0, Numbers).Cast<byte>());
                links[i].Show(turn, Numbers);
            }

            for (int i = 0; i < Devices; i++)
            {
                links[i].Take(
                    turn,
                    [.. Enumerable.Range(0, Devices).Where(peer => peer != i)
                        .Select(peer => new BlockMove(peer, 0, Numbers, 0, Numbers, peer * Numbers))]);
                long at = round * Devices * Numbers * sizeof(float);
                devices[i].Download(links[i].Received.Cast<byte>(), got[i].Address + at);
            }
        }

        // The last device first, so that it pulls what it needs of the others.
        for (int i = Devices - 1; i >= 0; i--)
        {
            devices[i].Synchronize();
            for (int round = 0; round < Rounds; round++)
            {
                for (int peer = 0; peer < Devices; peer++)
                {
                    Span<float> block = got[i].Span<float>(((round * Devices) + peer) * Numbers * sizeof(float), Numbers);
                    float expected = peer == i ? 0 : (100 * round) + peer;
                    Assert.That(block.IndexOfAnyExcept(expected), Is.EqualTo(-1), $"device {i}, round {round}, from {peer}: {block[0]}");
                }
            }
        }

        Array.ForEach(links, link => link.Drain());
        Array.ForEach(links, link => link.Dispose());
        Array.ForEach(sent, buffer => buffer.Dispose());
        Array.ForEach(got, buffer => buffer.Dispose());
        Array.ForEach(devices, device => device.Dispose());
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>Steps that were seen before allocate nothing on the caller's thread, nor of the devices.</summary>
    public static void Allocations()
    {
        using SteppedEngine engine = Engine(2);
        engine.Finish(engine.Ask(StubEngine.Request("all-linear")), engine.Ask(StubEngine.Request("wide")));
        ResidentAdapter[] adapters = [.. engine.Loop.DeviceCache.Resident.Select(generation => generation.Resident!)];
        Decoder decoder = StubEngine.DecoderOf(engine.Loop);
        var plan = new StepPlan(64, 8);
        int first = plan.AddSlice([3, 4, 5], 0, [0], 1);
        int second = plan.AddSlice([200], 20, [1, 2], 1);
        plan.Lora.Add(adapters[0], first, 3, 1, startsPlace: true);
        plan.Lora.Add(adapters[1], second, 1, 1, startsPlace: false);
        for (int i = 0; i < 70; i++)
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
        Assert.That(allocated, Is.Zero);
        Assert.That(Stub.Log.Where(line => line.StartsWith("cuMem", StringComparison.Ordinal)), Is.Empty);
    }

    /// <summary>Every so many of the calls of a step fails: the streams end with one error, and everything comes back.</summary>
    public static async Task StepFails()
    {
        int every = int.Parse(Environment.GetEnvironmentVariable(FaultScenarios.EveryVariable)!, null);
        int calls;
        await using (LoraServingEngine engine = await Builder().BuildAsync())
        {
            Stub.Reset();
            await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 1)));
            calls = Stub.Calls;
        }

        int faults = 0;
        for (int at = 1; at <= calls; at += every)
        {
            await using (LoraServingEngine engine = await Builder().BuildAsync())
            {
                Stub.Reset();
                Stub.Fail("", at, Stub.LaunchFailed, 1);
                try
                {
                    await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 1)));
                }
                catch (EngineFaultedException error)
                {
                    faults++;
                    Exception cause = error.InnerException is ShardFailedException { InnerException: { } of } ? of : error.InnerException!;
                    Assert.That(cause, Is.TypeOf<GpuException>(), $"call {at}");
                    Assert.That(((GpuException)cause).Reason, Is.EqualTo(GpuError.DeviceFailed), $"call {at}");
                }
            }

            AllIsBack($"call {at} fails");
        }

        Assert.That(faults * every, Is.GreaterThan(calls * 8 / 10), $"of {calls} calls");
    }

    /// <summary>Every so many of the calls of building an engine fails: a typed error, and everything comes back.</summary>
    public static async Task BuildFails()
    {
        int every = int.Parse(Environment.GetEnvironmentVariable(FaultScenarios.EveryVariable)!, null);
        Stub.Reset();
        await using (await Builder().BuildAsync())
        {
        }

        int calls = Stub.Calls;
        int failures = 0;
        for (int at = 1; at <= calls; at += every)
        {
            Stub.Reset();
            Stub.Fail("", at, Stub.OutOfMemory, 0);
            try
            {
                await using LoraServingEngine engine = await Builder().BuildAsync();
            }
            catch (GpuException)
            {
                failures++;
            }

            AllIsBack($"call {at} fails");
        }

        Assert.That(failures * every, Is.GreaterThan(calls / 3));
    }

    /// <summary>A device that the driver does not have.</summary>
    public static async Task MissingDevice()
    {
        var error = await Assert.ThrowsAsync<GpuException>(() => StubEngine.Builder(
            builder => builder.UseGpu(gpu => (gpu.Driver, gpu.Devices) = (GpuDriver.Cuda, [0, 2]))).BuildAsync());
        Assert.That(error!.Message, Is.EqualTo("The CUDA driver has 2 devices; there is no device 2."));
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>How the devices of the scenario exchange blocks: through NCCL where its folder is given.</summary>
    internal static GpuExchange Exchange =>
        Environment.GetEnvironmentVariable(Nccl.FolderVariable) is null ? GpuExchange.Copies : GpuExchange.Nccl;

    /// <summary>Nothing is left of engines that were.</summary>
    internal static void AllIsBack(string when)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.That(
            (Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)), () => $"{when}\n{string.Join('\n', Stub.Log)}");
    }

    internal static int Count(string[] log, string what) => log.Count(line => line.Contains(what, StringComparison.Ordinal));

    internal static LoraServingEngineBuilder Builder() =>
        StubEngine.Builder(builder => builder.UseGpu(gpu => (gpu.Driver, gpu.Devices, gpu.Exchange) = (GpuDriver.Cuda, [0, 1], Exchange)));

    internal static SteppedEngine Engine(int devices) => new(
        builder =>
        {
            StubEngine.Configure(builder);
            builder.UseGpu(gpu => (gpu.Driver, gpu.Devices, gpu.Exchange) =
                (GpuDriver.Cuda, [.. Enumerable.Range(0, devices)], Exchange));
        },
        adapters: ["all-linear", "wide"]);

    /// <summary>The log of a decode step behind those that are timed.</summary>
    internal static string[] Step(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request with { MaxTokens = 9 });
        long first = engine.Status.Steps;
        engine.StepUntil(() => engine.Status.Steps == first + 6);
        string[] log = StubEngine.Step(engine.Loop);
        engine.Finish(answer);
        return log;
    }
}
