using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>The machine's first OpenCL device, such as the processor through PoCL (Debian's pocl-opencl-icd).</summary>
internal static class OpenCLDevice
{
    /// <summary>Opens it, or skips the test and says why.</summary>
    public static GpuDevice Open()
    {
        try
        {
            return GpuDevice.Open(new GpuOptions { Driver = GpuDriver.OpenCL });
        }
        catch (GpuException error) when (error.Reason is GpuError.NoDriver or GpuError.NoDevice)
        {
            Assert.Ignore(error.Message);
            throw;
        }
    }
}
