using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>A device whose kernels run in the interpreter, for all tests; one at a time uses it.</summary>
internal static class PtxDevice
{
    private static readonly Lazy<GpuDevice> _device = new(GpuDevice.OpenSimulation);

    private static readonly Lazy<PtxKernelLoader> _loader = new(() => new PtxKernelLoader(_device.Value));

    private static readonly Lazy<GpuKernels> _kernels = new(() => new GpuKernels(_loader.Value, emulatesTensorCores: true));

    public static GpuDevice Device => _device.Value;

    public static GpuKernels Kernels => _kernels.Value;

    public static PtxKernelLoader Loader => _loader.Value;

    public static GpuTwin Twin(int seed, int rows, int outputs = 0) => new(Device, Kernels, seed, rows, outputs);
}
