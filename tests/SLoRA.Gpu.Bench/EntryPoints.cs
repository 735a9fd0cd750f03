using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace SLoRA.Gpu.Bench;

/// <summary>The functions of a driver that ILGPU declares: whether the installed library has them all.</summary>
internal static class EntryPoints
{
    /// <summary>Names of the functions that ILGPU imports from a library, <c>cuda</c> or <c>OpenCL</c>.</summary>
    public static string[] DeclaredIn(string library) =>
    [
        .. typeof(CudaAPI).Assembly.GetTypes()
            .SelectMany(
                type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => (Method: method, Import: method.GetCustomAttribute<DllImportAttribute>()))
            .Where(candidate => candidate.Import?.Value == library)
            .Select(candidate => string.IsNullOrEmpty(candidate.Import!.EntryPoint) ? candidate.Method.Name : candidate.Import.EntryPoint)
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Looks them all up.</summary>
    public static void Check(string library, string file, Tally tally)
    {
        if (!NativeLibrary.TryLoad(file, out nint handle))
        {
            tally.Add(false, file, "cannot be loaded");
            return;
        }

        string[] names = DeclaredIn(library);
        string[] missing = [.. names.Where(name => !NativeLibrary.TryGetExport(handle, name, out _))];
        Console.WriteLine($"{file}: {names.Length - missing.Length} of {names.Length} functions found");
        tally.Add(names.Length > 0 && missing.Length == 0, file, missing.Length == 0 ? "complete" : $"lacks {string.Join(", ", missing)}");
    }
}
