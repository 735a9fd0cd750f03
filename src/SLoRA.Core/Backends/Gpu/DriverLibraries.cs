using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ILGPU;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Finds the drivers' libraries under the names that systems install (<see cref="NativeNames"/>): only development packages bring the plain
/// names that ILGPU asks for, and what it does not find it takes for "no device".
/// </summary>
internal static class DriverLibraries
{
    private static readonly Lazy<bool> _resolver = new(SetResolver);

    /// <summary>Makes ILGPU find them. Called before anything of ILGPU; again it does nothing.</summary>
    public static void Resolve() => _ = _resolver.Value;

    /// <summary>Loads a library of <see cref="NativeNames"/>; 0 if this system has it under none of its names.</summary>
    public static nint Load(string library)
    {
        foreach (string file in NativeNames.Files(library, NativeNames.Current))
        {
            if (NativeLibrary.TryLoad(file, out nint handle))
            {
                return handle;
            }
        }

        return 0;
    }

    /// <summary>Why a library is missing: the files that were looked for.</summary>
    public static string Missing(string library, NativeSystem system)
    {
        ImmutableArray<string> files = NativeNames.Files(library, system);
        return files.IsEmpty ? $"{system} has none" : $"no {string.Join(" or ", files)}";
    }

    private static bool SetResolver()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(
                typeof(Context).Assembly, static (name, _, _) => NativeNames.LibraryOf(name) is { } library ? Load(library) : 0);
            return true;
        }
        catch (InvalidOperationException)
        {
            // The host program has set a resolver of its own: it knows where its drivers are.
            return false;
        }
    }
}
