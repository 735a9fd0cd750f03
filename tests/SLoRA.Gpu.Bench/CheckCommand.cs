using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu;

namespace SLoRA.Gpu.Bench;

/// <summary>Whether the device computes what it should. Ends with the line <c>N passed, N failed</c>.</summary>
internal static class CheckCommand
{
    /// <summary>Runs everything; 0 if all holds.</summary>
    /// <param name="options">The device.</param>
    /// <param name="ptx">Where the kernels' PTX goes, or null.</param>
    /// <param name="fixtures">A folder with fixtures, or null.</param>
    /// <param name="steps">Random steps.</param>
    /// <param name="verbose">Whether checks that hold are printed too.</param>
    public static async Task<int> Run(GpuOptions options, string? ptx, string? fixtures, int steps, bool verbose)
    {
        var tally = new Tally(verbose);
        long start = Stopwatch.GetTimestamp();
        bool isCuda;
        try
        {
            using GpuDevice device = GpuDevice.Open(options);
            Console.WriteLine(DeviceText.Describe(device));
            isCuda = device.Accelerator is CudaAccelerator;
        }
        catch (GpuException error)
        {
            Console.Error.WriteLine(error.Message);
            return 2;
        }

        if (OperatingSystem.IsLinux())
        {
            EntryPoints.Check(isCuda ? "cuda" : "OpenCL", isCuda ? "libcuda.so.1" : "libOpenCL.so.1", tally);
        }

        if (ptx is not null)
        {
            PtxFiles.Write(ptx, tally);
        }

        KernelChecks.Run(options, steps, tally);
        if (fixtures is not null)
        {
            await FixtureChecks.Run(fixtures, options, tally).ConfigureAwait(false);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s on {RuntimeInformation.FrameworkDescription}"));
        Console.WriteLine(tally);
        return tally.Failed == 0 ? 0 : 1;
    }
}
