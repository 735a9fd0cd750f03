using ILGPU.Backends;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// What the driver's compiler says of a kernel that it rejects: ILGPU writes it to the trace listeners only, so it is asked once more.
/// </summary>
internal static class KernelLog
{
    /// <summary>The log, in one line; empty if the driver gives none.</summary>
    public static string Of(GpuDevice device, CompiledKernel kernel)
    {
        try
        {
            string? log = kernel switch
            {
                PTXCompiledKernel ptx => Of(ptx),
                CLCompiledKernel source when device.Accelerator is CLAccelerator accelerator => Of(accelerator, source),
                _ => null,
            };
            return string.Join(' ', (log ?? "").Split(['\0', '\r', '\n', '\t', ' '], StringSplitOptions.RemoveEmptyEntries));
        }
        catch (ILGPU.Runtime.AcceleratorException)
        {
            return "";
        }
    }

    private static string? Of(PTXCompiledKernel kernel)
    {
        CudaError error = CudaAPI.CurrentAPI.LoadModule(out nint module, kernel.PTXAssembly, out string? log);
        if (error == CudaError.CUDA_SUCCESS)
        {
            CudaAPI.CurrentAPI.DestroyModule(module);
        }

        return log;
    }

    private static string? Of(CLAccelerator accelerator, CLCompiledKernel kernel)
    {
        CLError error = CLKernel.LoadKernel(
            accelerator, kernel.Name, kernel.Source, kernel.CVersion, out nint program, out nint loaded, out string? log);
        if (error == CLError.CL_SUCCESS)
        {
            CLAPI.CurrentAPI.ReleaseKernel(loaded);
        }

        if (program != 0)
        {
            CLAPI.CurrentAPI.ReleaseProgram(program);
        }

        return log;
    }
}
