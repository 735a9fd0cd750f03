using System.Runtime.InteropServices;
using ILGPU;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Finds the drivers' libraries under the names that systems install: only development packages bring the plain names that ILGPU asks for, and what it
/// does not find it takes for "no device".
/// </summary>
internal static class DriverLibraries
{
    private static readonly Lazy<bool> _resolver = new(SetResolver);

    /// <summary>Makes ILGPU find them. Called before anything of ILGPU; again it does nothing.</summary>
    public static void Resolve() => _ = _resolver.Value;

    /// <summary>Whether the CUDA driver's library can be loaded.</summary>
    public static bool HasCuda() => Load("cuda") != 0;

    /// <summary>Whether OpenCL's library can be loaded.</summary>
    public static bool HasOpenCL() => Load("OpenCL") != 0;

    private static bool SetResolver()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, static (name, _, _) => Load(name));
            return true;
        }
        catch (InvalidOperationException)
        {
            // The host program has set a resolver of its own: it knows where its drivers are.
            return false;
        }
    }

    private static nint Load(string name)
    {
        ReadOnlySpan<string> candidates = name switch
        {
            "cuda" => ["libcuda.so.1", "libcuda.so"],
            "OpenCL" => ["libOpenCL.so.1", "libOpenCL.so", "OpenCL.dll", "/System/Library/Frameworks/OpenCL.framework/OpenCL"],
            "nvcuda" => ["nvcuda.dll"],
            _ => [],
        };
        foreach (string candidate in candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out nint handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
