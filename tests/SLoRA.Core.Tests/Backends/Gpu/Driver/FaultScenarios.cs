using System.Globalization;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>A driver that fails at any of its calls.</summary>
internal static class FaultScenarios
{
    /// <summary>Which of the calls fail in turn, of scenarios over several devices: 7 for the first, the eighth and so on.</summary>
    public const string EveryVariable = "STUB_FAULT_EVERY";

    /// <summary>Which call fails first, of scenarios over one device.</summary>
    public const string FirstVariable = "STUB_FAULT_FIRST";

    private const int Every = 7;

    private static int First => int.Parse(Environment.GetEnvironmentVariable(FirstVariable)!, CultureInfo.InvariantCulture);

    /// <summary>Every call of building an engine in turn runs out of memory: a typed error, and everything comes back.</summary>
    public static async Task BuildRunsOut() => await FailBuilding(Stub.OutOfMemory, forEver: 0);

    /// <summary>The device breaks at a call of building an engine.</summary>
    public static async Task BuildBreaks() => await FailBuilding(Stub.LaunchFailed, forEver: 1);

    /// <summary>Every call of one step in turn fails: the streams end, the process lives, and the next engine works.</summary>
    public static async Task StepFails()
    {
        foreach (int forEver in (int[])[0, 1])
        {
            int calls = await CallsOfSteps();
            Assert.That(calls, Is.GreaterThan(50));
            int faults = 0;
            for (int at = First; at <= calls; at += Every)
            {
                faults += await FailStep(at, forEver) ? 1 : 0;
            }

            Assert.That(faults * Every, Is.GreaterThan(calls * 9 / 10), $"of {calls} calls");
        }

        await Works();
    }

    /// <summary>A device that has failed stays with its users; the next engine gets a new context.</summary>
    public static async Task NewContext()
    {
        await using LoraServingEngine failing = await StubEngine.Builder().BuildAsync();
        Stub.Fail("cuLaunchKernel", 1, Stub.LaunchFailed, 1);
        var error =
            await Assert.ThrowsAsync<EngineFaultedException>(() => StubEngine.Drain(failing.GenerateAsync(StubEngine.Request("r1"))));
        Assert.That((error!.InnerException as GpuException)?.Reason, Is.EqualTo(GpuError.DeviceFailed));
        Assert.That(error.InnerException!.Message, Does.StartWith("CUDA device 0 (Stub 0) failed in a step: CUDA_ERROR_LAUNCH_FAILED"));
        await using LoraServingEngine next = await StubEngine.Builder().BuildAsync();
        Assert.That(Stub.Contexts, Is.EqualTo(2));
        Assert.That(await StubEngine.Drain(next.GenerateAsync(StubEngine.Request("r1"))), Is.EqualTo(4));
        await failing.DisposeAsync();
        Assert.That(Stub.Contexts, Is.EqualTo(1));
        Assert.That(await StubEngine.Drain(next.GenerateAsync(StubEngine.Request("r1"))), Is.EqualTo(4));
    }

    private static async Task FailBuilding(int code, int forEver)
    {
        await Works();
        Stub.Reset();
        await using (await StubEngine.Builder().BuildAsync())
        {
        }

        // With those of disposal, which must not throw.
        int calls = Stub.Calls;
        Assert.That(calls, Is.GreaterThan(50));
        var failures = new Dictionary<GpuError, int>();
        for (int at = First; at <= calls; at += Every)
        {
            Stub.Reset();
            Stub.Fail("", at, code, forEver);
            try
            {
                await using LoraServingEngine engine = await StubEngine.Builder().BuildAsync();
            }
            catch (GpuException error)
            {
                failures[error.Reason] = failures.GetValueOrDefault(error.Reason) + 1;
            }

            Collect();
            AllIsBack($"call {at} of {calls} fails");
        }

        Assert.That(failures.Values.Sum() * Every, Is.GreaterThan(calls / 3), string.Join(", ", failures));
        await Works();
    }

    private static async Task<bool> FailStep(int at, int forEver)
    {
        bool faulted = false;
        await using (LoraServingEngine engine = await StubEngine.Builder().BuildAsync())
        {
            Stub.Reset();
            Stub.Fail("", at, Stub.LaunchFailed, forEver);
            try
            {
                await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 1)));
            }
            catch (EngineFaultedException error)
            {
                faulted = true;
                Assert.That(error.InnerException, Is.TypeOf<GpuException>(), $"call {at}");
                Assert.That(((GpuException)error.InnerException!).Reason, Is.EqualTo(GpuError.DeviceFailed), $"call {at}");
                await Assert.ThrowsAsync<EngineFaultedException>(() => StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1"))));
            }
        }

        Collect();
        AllIsBack($"call {at} fails");
        return faulted;
    }

    private static async Task<int> CallsOfSteps()
    {
        await using LoraServingEngine engine = await StubEngine.Builder().BuildAsync();
        Stub.Reset();
        await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1", maxTokens: 1)));
        return Stub.Calls;
    }

    private static async Task Works()
    {
        Stub.Fail("", 0, 0, 0);
        await using (LoraServingEngine engine = await StubEngine.Builder().BuildAsync())
        {
            Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1"))), Is.EqualTo(4));
        }

        AllIsBack("all is well");
    }

    private static void AllIsBack(string when) =>
        Assert.That(
            (Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)), () => $"{when}\n{string.Join('\n', Stub.Log)}");

    /// <summary>Finalizers of what was half made run now, while the driver still fails.</summary>
    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
