using System.Reflection;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>Every version of every kernel of the library.</summary>
internal static class KernelMethods
{
    private static readonly (string, Type[])[] Types =
    [
        (nameof(StoredF32), [typeof(float), typeof(StoredF32)]),
        (nameof(StoredF16), [typeof(ushort), typeof(StoredF16)]),
        (nameof(StoredBf16), [typeof(ushort), typeof(StoredBf16)]),
    ];

    private static readonly (string, Type[])[] Caches =
    [
        (nameof(F16Cache), [typeof(ushort), typeof(F16Cache)]),
        (nameof(Bf16Cache), [typeof(ushort), typeof(Bf16Cache)]),
        (nameof(IntegersCache), [typeof(uint), typeof(IntegersCache)]),
    ];

    /// <summary>The kernels, closed over their types, by name.</summary>
    public static SortedDictionary<string, MethodInfo> All { get; } = Find();

    private static SortedDictionary<string, MethodInfo> Find()
    {
        var found = new SortedDictionary<string, MethodInfo>(StringComparer.Ordinal);
        foreach (Type type in typeof(KernelAttribute).Assembly.GetTypes())
        {
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
                | BindingFlags.DeclaredOnly))
            {
                if (method.GetCustomAttribute<KernelAttribute>() is { } kernel)
                {
                    foreach ((string version, Type[] types) in Versions(kernel))
                    {
                        string suffix = types.Length > 0 ? $" of {version}" : "";
                        found.Add($"{type.Name}.{method.Name}{suffix}", types.Length > 0 ? method.MakeGenericMethod(types) : method);
                    }
                }
            }
        }

        return found;
    }

    private static IEnumerable<(string Name, Type[] Types)> Versions(KernelAttribute kernel) =>
        kernel.Weights ? GpuFormats.All.Select(format => (format.Name, format.TypeArguments))
        : kernel.Packed ? GpuFormats.All.Where(format => format.PackedArguments is not null)
            .Select(format => (format.Name, format.PackedArguments!))
        : kernel.Cache ? Caches
        : kernel.Typed ? Types : [("", [])];
}
