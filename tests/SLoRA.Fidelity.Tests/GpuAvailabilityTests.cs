using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Fidelity.Tests;

/// <summary>Whether this machine has a device for the Gpu backend: a GPU, or OpenCL on the processor (Debian's pocl-opencl-icd).</summary>
public sealed class GpuAvailabilityTests
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

    /// <summary>
    /// Backends that are always there, and the Gpu backend where there is a device for it: without one its cases are not generated.
    /// </summary>
    public static string[] AndGpu(params string[] backends) => WhyNot.Value is null ? [.. backends, "Gpu"] : backends;

    [Test]
    public void Cases_on_the_Gpu_backend_are_left_out_without_a_GPU_or_an_OpenCL_driver()
    {
        if (WhyNot.Value is { } reason)
        {
            Assert.Ignore(reason);
        }
    }
}
