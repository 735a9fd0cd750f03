using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu;

namespace SLoRA.Gpu.Bench;

/// <summary>A device in one line.</summary>
internal static class DeviceText
{
    public static string Describe(GpuDevice device)
    {
        Accelerator accelerator = device.Accelerator;
        string text = $"{device.Name}: {accelerator.MemorySize >> 20} MiB, {accelerator.NumMultiprocessors} multiprocessors, "
            + $"{accelerator.MaxSharedMemoryPerGroup >> 10} KiB shared memory a group";
        return accelerator is CudaAccelerator cuda
            ? $"{text}, compute capability {cuda.Architecture}, driver for CUDA {cuda.DriverVersion}, {cuda.InstructionSet}"
            : text;
    }
}
