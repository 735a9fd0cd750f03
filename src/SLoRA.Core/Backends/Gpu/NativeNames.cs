using System.Collections.Immutable;

namespace SLoRA.Backends.Gpu;

/// <summary>Systems on which libraries have names of their own.</summary>
internal enum NativeSystem
{
    Linux,
    Windows,
    MacOS,
}

/// <summary>The files of the drivers' libraries on each system, in the order in which they are tried.</summary>
internal static class NativeNames
{
    /// <summary>NVIDIA's driver.</summary>
    public const string Cuda = "CUDA";

    /// <summary>The loader of OpenCL's drivers.</summary>
    public const string OpenCL = "OpenCL";

    /// <summary>NVIDIA's cuBLAS.</summary>
    public const string CuBlas = "cuBLAS";

    /// <summary>NVIDIA's NCCL, which there is for Linux.</summary>
    public const string Nccl = "NCCL";

    private static readonly Dictionary<(string Library, NativeSystem System), ImmutableArray<string>> _files = new()
    {
        [(Cuda, NativeSystem.Linux)] = ["libcuda.so.1", "libcuda.so"],
        [(Cuda, NativeSystem.Windows)] = ["nvcuda.dll"],
        [(Cuda, NativeSystem.MacOS)] = [],
        [(OpenCL, NativeSystem.Linux)] = ["libOpenCL.so.1", "libOpenCL.so"],
        [(OpenCL, NativeSystem.Windows)] = ["OpenCL.dll"],
        [(OpenCL, NativeSystem.MacOS)] = ["/System/Library/Frameworks/OpenCL.framework/OpenCL"],
        [(CuBlas, NativeSystem.Linux)] = ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so"],
        [(CuBlas, NativeSystem.Windows)] = ["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"],
        [(CuBlas, NativeSystem.MacOS)] = [],
        [(Nccl, NativeSystem.Linux)] = ["libnccl.so.2", "libnccl.so"],
        [(Nccl, NativeSystem.Windows)] = [],
        [(Nccl, NativeSystem.MacOS)] = [],
    };

    /// <summary>All libraries.</summary>
    public static ImmutableArray<string> Libraries { get; } = [Cuda, OpenCL, CuBlas, Nccl];

    /// <summary>The system of this process; what is no other is taken for Linux, as .NET's other systems name libraries so.</summary>
    public static NativeSystem Current { get; } =
        OperatingSystem.IsWindows() ? NativeSystem.Windows : OperatingSystem.IsMacOS() ? NativeSystem.MacOS : NativeSystem.Linux;

    /// <summary>The files of a library; empty where the system has none.</summary>
    public static ImmutableArray<string> Files(string library, NativeSystem system) => _files[(library, system)];

    /// <summary>The library behind a name by which ILGPU imports it, which differs from system to system; null for any other.</summary>
    public static string? LibraryOf(string import) => import switch
    {
        "cuda" or "nvcuda" => Cuda,
        _ when import.Contains("OpenCL", StringComparison.OrdinalIgnoreCase) => OpenCL,
        _ => null,
    };
}
