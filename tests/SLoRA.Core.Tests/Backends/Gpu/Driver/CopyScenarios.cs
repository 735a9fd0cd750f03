using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Core.Tests.Engine;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Copies of adapters beside the steps, as the driver sees them; each runs in a process of its own.</summary>
internal static class CopyScenarios
{
    /// <summary>An adapter arrives while another request decodes.</summary>
    public static void Beside()
    {
        using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear"]);
        Answer running = engine.Ask(StubEngine.Request(adapter: null, maxTokens: 60));
        StubEngine.Step(engine.Loop);
        Answer late = engine.Ask(StubEngine.Request("all-linear"));
        List<string> log = [];
        int steps = 0;
        do
        {
            log.AddRange(StubEngine.Step(engine.Loop));
            steps++;
        }
        while (!log.Any(IsLora) && steps < 50);

        string text = string.Join('\n', log);
        int copied = log.FindIndex(line => line.StartsWith("stream 2: copy up ", StringComparison.Ordinal));
        int launched = log.FindIndex(copied, IsLaunch);
        int reached = log.FindLastIndex(line => line == "stream 2: reached");
        Assert.That(copied, Is.Not.Negative, text);
        Assert.That(launched, Is.GreaterThan(copied).And.LessThan(reached), "steps are launched while the copy is under way");
        Assert.That(log.FindIndex(IsLora), Is.GreaterThan(reached), "the adapter is in a plan when its copy has ended");
        Assert.That(log[reached..]
            .Where(line => line.StartsWith("stream 2: ", StringComparison.Ordinal)), Is.EqualTo((string[])["stream 2: reached"]));
        Assert.That(log, Has.None.EqualTo("stream 2: wait").And.None.EqualTo("stream 2: synchronize"), "nobody waits for it");
        Assert.That(log, Has.None.StartsWith("stream 2: launch"));
        Assert.That(log.Count(line => line == "synchronize"), Is.EqualTo(steps), "one wait a step");
        engine.Finish(running, late);
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>The request of an adapter that is being copied is cancelled.</summary>
    public static void Cancelled()
    {
        using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear"]);
        Answer running = engine.Ask(StubEngine.Request(adapter: null, maxTokens: 60));
        StubEngine.Step(engine.Loop);
        using var cancellation = new CancellationTokenSource();
        Answer late = engine.Ask(StubEngine.Request("all-linear"), cancellation.Token);
        Assert.That(StubEngine.Step(engine.Loop), Has.Some.StartsWith("stream 2: copy up ").And.None.EqualTo("stream 2: reached"));
        cancellation.Cancel();
        string[] step = StubEngine.Step(engine.Loop);
        Assert.That(late.Error, Is.InstanceOf<OperationCanceledException>());
        Assert.That(step[0], Is.EqualTo("stream 2: wait"), string.Join('\n', step));
        Assert.That(step.Count(line => line.StartsWith("stream 2: ", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(engine.Loop.DeviceCache.OwnedPages, Is.Zero);
        engine.Finish(running);
        Assert.That(Stub.Misuses, Is.Zero);
    }

    /// <summary>A wait for copies that fails while pages are given back ends the engine at the next step, and no stream hangs.</summary>
    public static void CancelledOnABrokenDevice()
    {
        foreach (int forEver in (int[])[0, 1])
        {
            using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear"]);
            Answer running = engine.Ask(StubEngine.Request(adapter: null, maxTokens: 60));
            StubEngine.Step(engine.Loop);
            using var cancellation = new CancellationTokenSource();
            Answer late = engine.Ask(StubEngine.Request("all-linear"), cancellation.Token);
            StubEngine.Step(engine.Loop);
            cancellation.Cancel();
            Stub.Fail("cuEventSynchronize", 1, Stub.LaunchFailed, forEver);
            var error = Assert.Throws<GpuException>(() => engine.Loop.Step())!;
            Assert.That((error.Reason, Stub.Fired), Is.EqualTo((GpuError.DeviceFailed, true)));
            Assert.That(late.Error, Is.InstanceOf<OperationCanceledException>());
            engine.Loop.End(new EngineFaultedException(error));
            Assert.That(running.Error, Is.InstanceOf<EngineFaultedException>());
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>Every call of a page-in beside a decoding request fails in turn.</summary>
    public static void Fails()
    {
        foreach (string call in (string[])["cuMemcpyAsync", "cuEventRecord", "cuEventQuery"])
        {
            // The first copies are those of the page-in: they come before the plan.
            for (int at = 1; at <= 3; at++)
            {
                using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear"]);
                Answer running = engine.Ask(StubEngine.Request(adapter: null, maxTokens: 60));
                StubEngine.Step(engine.Loop);
                Answer late = engine.Ask(StubEngine.Request("all-linear"));
                Stub.Fail(call, at, Stub.LaunchFailed, 0);
                var error = Assert.Throws<GpuException>(() => engine.Finish(late))!;
                Assert.That((error.Reason, Stub.Fired), Is.EqualTo((GpuError.DeviceFailed, true)), $"{call} {at}");
                engine.Loop.End(new EngineFaultedException(error));
                Assert.That(late.Error, Is.InstanceOf<EngineFaultedException>());
                Assert.That(running.Error, Is.InstanceOf<EngineFaultedException>());
            }
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>Steps beside which pages are written allocate nothing, managed or native.</summary>
    public static void Allocations()
    {
        using var engine = new SteppedEngine(StubEngine.Configure, adapters: ["all-linear"]);
        engine.Finish(engine.Ask(StubEngine.Request("all-linear")));
        ResidentAdapter adapter = engine.Loop.DeviceCache.Resident[0].Resident!;
        Decoder decoder = StubEngine.DecoderOf(engine.Loop);
        var pages = (GpuPageMemory)engine.Pages;
        var plan = new StepPlan(64, 8);
        plan.Lora.Add(adapter, plan.AddSlice([3, 4, 5], 0, [pages.PageCount - 1], 1), 3, 1, startsPlace: true);
        byte[] bytes = new byte[pages.PageBytes];
        Run(1000);
        Stub.Reset();
        long before = GC.GetAllocatedBytesForCurrentThread();

        // Twice the ring and more.
        int writes = (int)(3L * CopyQueue.Blocks * CopyQueue.BlockBytes / bytes.Length);
        int landed = Run(writes);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(allocated, Is.Zero);
        Assert.That(landed, Is.Positive);
        Assert.That(Stub.Log.Count(line => line == "stream 2: record"), Is.GreaterThanOrEqualTo(writes));
        Assert.That(Stub.Log, Has.None.StartsWith("cuMem"));

        int Run(int count)
        {
            int landings = 0;
            for (int i = 0; i < count; i++)
            {
                long mark = pages.WriteBeside(pages.PageCount - 2, 0, bytes);
                landings += pages.IsWritten(mark) ? 1 : 0;
                if (i % 20 == 0)
                {
                    decoder.Run(plan);
                    pages.Settle();
                    landings += pages.IsWritten(mark) ? 1 : 0;
                }
            }

            return landings;
        }
    }

    /// <summary>
    /// The ring: a block is waited for when it is wanted again, marks land in order, and an error is kept for those who can be told.
    /// </summary>
    public static void Ring()
    {
        const int PageBytes = CopyQueue.BlockBytes;
        using (GpuDevice device = GpuDevice.Open(new GpuOptions { Driver = GpuDriver.Cuda }))
        {
            using var pages = new GpuPageMemory(device, CopyQueue.Blocks + 2, PageBytes);
            byte[] bytes = new byte[PageBytes];
            Stub.Reset();
            long[] marks = new long[CopyQueue.Blocks + 2];
            for (int page = 0; page < marks.Length; page++)
            {
                bytes.AsSpan().Fill((byte)(page + 1));
                marks[page] = pages.WriteBeside(page, 0, bytes);
                Assert.That(
                    Stub.Log.Count(line => line == "stream 2: wait"), Is.EqualTo(Math.Max(0, page + 1 - CopyQueue.Blocks)), $"page {page}");
            }

            Assert.That((pages.IsWritten(marks[0]), pages.IsWritten(marks[1]), pages.IsWritten(marks[2])), Is.EqualTo((true, true, false)));
            pages.Settle();
            Assert.That(pages.IsWritten(marks[^1]));
            for (int page = 0; page < marks.Length; page++)
            {
                pages.Read(page, 0, bytes);
                Assert.That(bytes.AsSpan().IndexOfAnyExcept((byte)(page + 1)), Is.EqualTo(-1), $"page {page}");
            }

            // A write in the order of the steps, and then one beside them into the same page: the later one stays.
            pages.Write(0, 0, [1]);
            pages.WriteBeside(0, 0, [2]);
            pages.Read(0, 0, bytes.AsSpan(0, 1));
            Assert.That(bytes[0], Is.EqualTo(2));
            pages.Copy(1, 0);
            pages.WriteBeside(0, 0, [3]);
            pages.WriteBeside(1, 0, [4]);
            pages.Read(0, 0, bytes.AsSpan(0, 2));
            Assert.That(bytes[..2], Is.EqualTo((byte[])[3, 2]));

            long last = pages.WriteBeside(2, 0, [5]);
            Stub.Fail("cuEventSynchronize", 1, Stub.LaunchFailed, 0);
            Assert.DoesNotThrow(pages.Settle);
            Assert.That(Assert.Throws<GpuException>(() => pages.IsWritten(last))!.Reason, Is.EqualTo(GpuError.DeviceFailed));
            Assert.Throws<GpuException>(() => pages.WriteBeside(3, 0, [1]));
            Assert.Throws<GpuException>(() => pages.Read(2, 0, new byte[1]));
            Assert.Throws<GpuException>(pages.Drained);
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    private static bool IsLaunch(string line) => line.StartsWith("launch ", StringComparison.Ordinal);

    private static bool IsLora(string line) => IsLaunch(line) && line.Contains("Shrink", StringComparison.Ordinal);
}
