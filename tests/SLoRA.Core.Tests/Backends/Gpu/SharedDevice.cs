using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// The device of this machine and its kernels, opened once for all tests: a GPU, or OpenCL on the processor (Debian's pocl-opencl-icd).
/// Fixtures that use it are not run in parallel, since a device's stream belongs to one thread at a time.
/// </summary>
[SetUpFixture]
internal sealed class SharedDevice
{
    private static readonly Lazy<(GpuDevice? Device, GpuKernels? Kernels, string? WhyNot)> _opened = new(Open);

    private static readonly Lazy<GpuKernels> _tensor = new(() => new GpuKernels(new KernelLoader(Device), emulatesTensorProducts: true));

    public static GpuDevice Device => _opened.Value.Device!;

    public static GpuKernels Kernels => _opened.Value.Kernels!;

    /// <summary>Why there is no device; null where there is one.</summary>
    public static string? WhyNot => _opened.Value.WhyNot;

    /// <summary>Skips a test, and says why, where there is no device.</summary>
    public static void IgnoreWithout()
    {
        if (WhyNot is not null)
        {
            Assert.Ignore(WhyNot);
        }
    }

    /// <summary>A twin on the shared device.</summary>
    public static GpuTwin Twin(int seed, int rows, int outputs = 0) => new(Device, Kernels, seed, rows, outputs);

    /// <summary>The same with products on tensor cores, which are emulated unless the device is one of NVIDIA's.</summary>
    public static GpuTwin TensorTwin(int seed, int rows, int outputs = 0) => new(Device, _tensor.Value, seed, rows, outputs);

    [OneTimeTearDown]
    public void Close()
    {
        if (_opened.IsValueCreated)
        {
            _opened.Value.Device?.Dispose();
        }
    }

    private static (GpuDevice? Device, GpuKernels? Kernels, string? WhyNot) Open()
    {
        try
        {
            GpuDevice device = GpuDevice.Open(new GpuOptions());
            return (device, new GpuKernels(new KernelLoader(device)), null);
        }
        catch (GpuException error) when (error.Reason is GpuError.NoDevice or GpuError.NoDriver)
        {
            return (null, null, error.Message);
        }
    }
}
