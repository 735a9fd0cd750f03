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

    /// <summary>Loads a library that comes with no driver.</summary>
    /// <param name="library">Which of <see cref="NativeNames"/>.</param>
    /// <param name="folderVariable">The environment variable that can name its folder, which is searched first.</param>
    /// <param name="tried">The files that were looked for.</param>
    /// <returns>0 if it is not found.</returns>
    public static nint Load(string library, string folderVariable, out string tried)
    {
        ImmutableArray<string> names = NativeNames.Files(library, NativeNames.Current);
        string? folder = Environment.GetEnvironmentVariable(folderVariable);
        ImmutableArray<string> files =
            string.IsNullOrEmpty(folder) ? names : [.. names.Select(name => Path.Combine(folder, name)), .. names];
        tried = string.Join(", ", files);
        foreach (string file in files)
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
