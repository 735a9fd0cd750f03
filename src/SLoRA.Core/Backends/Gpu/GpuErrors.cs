using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SLoRA.Backends.Gpu;

/// <summary>What the driver reports, as errors of the library.</summary>
internal static class GpuErrors
{
    /// <summary>An error of the driver while a device was opened.</summary>
    public static GpuException Open(string device, Exception error) => new(
        error is CudaException or CLException
            ? (IsOutOfMemory(error) ? GpuError.OutOfMemory : GpuError.DeviceFailed)
            : GpuError.Unsupported,
        $"{device} cannot be opened: {Describe(error)}.",
        error);

    /// <summary>An error of the driver while memory was taken.</summary>
    public static GpuException Allocation(string device, string what, long bytes, Exception error) => new(
        IsOutOfMemory(error) ? GpuError.OutOfMemory : GpuError.DeviceFailed,
        $"{device} could not give {bytes} bytes for {what}: {Describe(error)}.",
        error);

    /// <summary>An error of the driver while the device was in use.</summary>
    public static GpuException Use(string device, string what, Exception error) =>
        new(GpuError.DeviceFailed, $"{device} failed in {what}: {Describe(error)}.", error);

    /// <summary>An error of the driver or the compiler while a kernel was loaded.</summary>
    public static GpuException Kernel(string device, string kernel, string log, Exception error) => new(
        GpuError.KernelRejected,
        $"{device} does not accept the kernel {kernel}: {Describe(error)}{(log.Length > 0 ? "; " + log : "")}.", error);

    /// <summary>Throws what an entry point of the CUDA driver answered, unless it is success.</summary>
    public static void ThrowIfFailed(CudaError error)
    {
        if (error != CudaError.CUDA_SUCCESS)
        {
            throw new CudaException(error);
        }
    }

    /// <summary>Throws what an entry point of OpenCL answered, unless it is success.</summary>
    public static void ThrowIfFailed(CLError error)
    {
        if (error != CLError.CL_SUCCESS)
        {
            throw new CLException(error);
        }
    }

    private static bool IsOutOfMemory(Exception error) => error switch
    {
        CudaException cuda => cuda.Error == nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY),
        CLException cl => cl.Error is CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_RESOURCES
            or CLError.CL_OUT_OF_HOST_MEMORY or CLError.CL_INVALID_BUFFER_SIZE,
        _ => error is OutOfMemoryException,
    };

    private static string Describe(Exception error) => error switch
    {
        CudaException cuda => $"{cuda.Error} ({cuda.Message.Trim().TrimEnd('.')})",
        CLException cl => cl.Error.ToString(),
        _ => error.Message.Trim().TrimEnd('.'),
    };
}
