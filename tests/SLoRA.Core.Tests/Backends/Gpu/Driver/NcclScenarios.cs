using System.Runtime.InteropServices;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Several devices that exchange through the stub of NCCL; each runs in a process of its own.</summary>
internal static class NcclScenarios
{
    private const string Library = "libnccl.so.2";

    /// <summary>Each meeting is one send and one receipt of each device, and the host waits once.</summary>
    public static void Steps()
    {
        using (SteppedEngine engine = ShardScenarios.Engine(2))
        {
            Assert.That(engine.Status.Backend.Exchange, Is.EqualTo("NCCL"));
            Assert.That(Communicators(), Is.EqualTo(2));
            string[] plain = ShardScenarios.Step(engine, StubEngine.Request(null));

            // Only one of the two has the one row's entry.
            const int Meetings = ShardScenarios.BaseMeetings;
            Assert.That(ShardScenarios.Count(plain, "send to device "), Is.EqualTo((2 * Meetings) - 1), string.Join('\n', plain));
            Assert.That(ShardScenarios.Count(plain, "receive from device "), Is.EqualTo((2 * Meetings) - 1));
            Assert.That(ShardScenarios.Count(plain, "synchronize"), Is.EqualTo(2));

            string[] adapted = ShardScenarios.Step(engine, StubEngine.Request("all-linear"));
            Assert.That(
                ShardScenarios.Count(adapted, "send to device "),
                Is.EqualTo((2 * (Meetings + (2 * ShardScenarios.Layers))) - 1), string.Join('\n', adapted));
            Stub.Reset();
        }

        Assert.That(ShardScenarios.Count(Stub.Log, "ncclCommDestroy"), Is.EqualTo(2));
        Assert.That(ShardScenarios.Count(Stub.Log, "ncclCommAbort"), Is.Zero);
        AllIsBack("the engine is gone");
    }

    /// <summary>Every entry point of building an engine fails once, each time it is called: the error names it.</summary>
    public static async Task BuildFails()
    {
        foreach (string name in (string[])
            ["ncclGetVersion", "ncclCommInitAll", "ncclGroupStart", "ncclSend", "ncclRecv", "ncclGroupEnd"])
        {
            Stub.Reset();
            Stub.Fail(name, 1, 5, 0);
            var error = (await Assert.ThrowsAsync<GpuException>(() => ShardScenarios.Builder().BuildAsync()))!;
            Assert.That(error.Reason, Is.EqualTo(GpuError.DeviceFailed));
            Assert.That(error.Message, Is.EqualTo($"NCCL failed in {name}: status 5 (as the test asked)."));
            AllIsBack(name);
        }
    }

    /// <summary>
    /// Every entry point of a step fails on one of the devices, sooner or later: the other does not wait for what will not come, and
    /// the error names shard, operation and entry point.
    /// </summary>
    public static async Task StepFails()
    {
        foreach (string name in (string[])["ncclGroupStart", "ncclSend", "ncclRecv", "ncclGroupEnd"])
        {
            foreach (int at in (int[])[1, 8])
            {
                await using (LoraServingEngine engine = await ShardScenarios.Builder().BuildAsync())
                {
                    Stub.Reset();
                    Stub.Fail(name, at, 5, 0);
                    var fault = (await Assert.ThrowsAsync<EngineFaultedException>(
                        () => StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1")))))!;
                    Assert.That(fault.InnerException, Is.TypeOf<ShardFailedException>(), $"{name} {at}");
                    Assert.That(
                        fault.InnerException!.InnerException!.Message,
                        Is.EqualTo($"NCCL failed in {name}: status 5 (as the test asked)."), $"{name} {at}");
                }

                Assert.That(ShardScenarios.Count(Stub.Log, "ncclCommAbort"), Is.EqualTo(2), $"{name} {at}");
                AllIsBack($"{name} {at}");
            }
        }
    }

    /// <summary>Freeing that fails says nothing and leaves nothing.</summary>
    public static async Task EndFails()
    {
        await using (LoraServingEngine engine = await ShardScenarios.Builder().BuildAsync())
        {
            await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1")));
            Stub.Fail("ncclCommDestroy", 1, 5, 0);
        }

        Assert.That(Stub.Fired);
        AllIsBack("the engine is gone");
    }

    /// <summary>Builds an engine as the variables say; writes the error.</summary>
    public static async Task Refused()
    {
        var error = (await Assert.ThrowsAsync<GpuException>(() => ShardScenarios.Builder().BuildAsync()))!;
        Console.WriteLine($"{error.Reason}: {error.Message}");
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    private static void AllIsBack(string when)
    {
        ShardScenarios.AllIsBack(when);
        Assert.That(Communicators(), Is.Zero, when);
    }

    private static unsafe int Communicators()
    {
        string folder = Environment.GetEnvironmentVariable(SLoRA.Backends.Gpu.Nccl.FolderVariable)!;
        nint library = NativeLibrary.Load(Path.Combine(folder, Library));
        return ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "stub_communicators"))();
    }
}
