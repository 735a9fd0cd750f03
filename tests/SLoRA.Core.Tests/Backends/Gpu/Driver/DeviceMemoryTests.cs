using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Memory and copies on an OpenCL device, and on the stub driver, whose copies run as late as any driver's may.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DeviceMemoryTests
{
    [Test]
    public void Copies_of_parts_move_those_parts_alone() => OnOpenCL(MemoryChecks.Copies);

    [Test]
    public void Blocks_of_an_arena_are_aligned_and_bounded() => OnOpenCL(MemoryChecks.Arena);

    [Test]
    public void A_host_buffer_is_freed_once() => OnOpenCL(MemoryChecks.Host);

    [Test]
    public void Pages_are_written_read_and_copied_in_order() => OnOpenCL(MemoryChecks.Pages);

    [Test]
    public void All_of_it_holds_on_CUDA_too() => StubDriver.Run(OnStub);

    private static void OnStub()
    {
        using (GpuDevice device = GpuDevice.Open(new GpuOptions { Driver = GpuDriver.Cuda }))
        {
            MemoryChecks.Copies(device);
            MemoryChecks.Arena(device);
            MemoryChecks.Host(device);
            MemoryChecks.Pages(device);
            Stub.Fail("cuMemcpyAsync", 1, Stub.LaunchFailed, 0);
            using var pages = new GpuPageMemory(device, 1, 64);
            Assert.That(Assert.Throws<GpuException>(() => pages.Write(0, 0, [1]))!.Reason, Is.EqualTo(GpuError.DeviceFailed));
            Stub.Fail("cuStreamSynchronize", 1, Stub.LaunchFailed, 0);
            Assert.That(Assert.Throws<GpuException>(() => pages.Read(0, 0, new byte[1]))!.Reason, Is.EqualTo(GpuError.DeviceFailed));
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    private static void OnOpenCL(Action<GpuDevice> check)
    {
        using GpuDevice device = OpenCLDevice.Open();
        check(device);
    }
}
