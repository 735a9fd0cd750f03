using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The device that tests of the Gpu backend run on: a GPU, or OpenCL on the processor (Debian's pocl-opencl-icd).</summary>
internal static class GpuTestDevice
{
    /// <summary>Opens it; where there is none the test is skipped and says why.</summary>
    public static GpuDevice Open()
    {
        try
        {
            return GpuDevice.Open(new GpuOptions());
        }
        catch (GpuException error)
        {
            Assert.Ignore(error.Message);
            throw;
        }
    }
}
