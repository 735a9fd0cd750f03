using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Fidelity.Tests;

/// <summary>Whether this machine has a device for the Gpu backend: a GPU, or OpenCL on the processor (Debian's pocl-opencl-icd).</summary>
internal static class GpuAvailability
{
    private static readonly Lazy<string?> WhyNot = new(() =>
    {
        try
        {
            GpuDevice.Open(new GpuOptions()).Dispose();
            return null;
        }
        catch (GpuException error)
        {
            return error.Message;
        }
    });

    /// <summary>Skips a test of the Gpu backend, and says why, where there is no device.</summary>
    public static void IgnoreWithout(string backend)
    {
        if (backend == "Gpu" && WhyNot.Value is { } reason)
        {
            Assert.Ignore(reason);
        }
    }
}
