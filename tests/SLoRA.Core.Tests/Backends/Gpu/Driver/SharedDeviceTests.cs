using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Engines on one device share its context, not its queues and kernels.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SharedDeviceTests
{
    [Test]
    public void Two_holds_on_a_device_are_one_accelerator_with_a_stream_each()
    {
        using GpuDevice first = OpenCLDevice.Open();
        using GpuDevice second = OpenCLDevice.Open();
        Assert.That(second.Accelerator, Is.SameAs(first.Accelerator));
        Assert.That(second.Stream, Is.Not.SameAs(first.Stream));
    }

    [Test]
    public void A_device_that_failed_is_not_handed_out_again_and_still_closes()
    {
        using GpuDevice other = OpenCLDevice.Open();
        GpuDevice failed = OpenCLDevice.Open();
        Exception fault = failed.Fault("a test", new ILGPU.Runtime.OpenCL.CLException(ILGPU.Runtime.OpenCL.CLError.CL_OUT_OF_RESOURCES));
        Assert.That(fault.Message, Does.EndWith("failed in a test: CL_OUT_OF_RESOURCES."));
        using (GpuDevice next = OpenCLDevice.Open())
        {
            Assert.That(next.Accelerator, Is.Not.SameAs(failed.Accelerator));
        }

        failed.Dispose();
        failed.Dispose();
    }

    [Test]
    public void OpenCL_memory_that_is_not_there_is_a_typed_error()
    {
        using GpuDevice device = OpenCLDevice.Open();
        var error = Assert.Throws<GpuException>(() => new DeviceArena(device, 1L << 50, "a test"))!;
        Assert.That(error.Reason, Is.EqualTo(GpuError.OutOfMemory));
        Assert.That(error.Message, Does.Contain("could not give 1125899906842624 bytes for a test: CL_"));
        new DeviceArena(device, 64, "a test").Dispose();
    }

    [Test]
    public async Task Engines_on_several_threads_give_each_its_own_tokens()
    {
        OpenCLDevice.Open().Dispose();
        string[] adapters = ["all-linear", "wide", "embed-and-head"];
        int[][] expected = [.. adapters.Select(Tokens)];
        int[][] parallel = await Task.WhenAll(adapters.Select(adapter => Task.Run(() => Tokens(adapter))));
        Assert.That(parallel, Is.EqualTo(expected));
    }

    private static int[] Tokens(string adapter)
    {
        using var engine = new SteppedEngine(builder => builder.UseGpu(gpu => gpu.Driver = GpuDriver.OpenCL), adapters: [adapter]);
        Answer answer = engine.Ask(StubEngine.Request(adapter, maxTokens: 12));
        engine.Finish(answer);
        return [.. answer.Tokens];
    }
}
