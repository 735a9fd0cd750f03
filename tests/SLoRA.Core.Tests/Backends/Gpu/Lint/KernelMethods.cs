using System.Reflection;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>Every version of every kernel of the library.</summary>
internal static class KernelMethods
{
    private static readonly Type[][] Types =
        [[typeof(float), typeof(StoredF32)], [typeof(ushort), typeof(StoredF16)], [typeof(ushort), typeof(StoredBf16)]];

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
                    IEnumerable<Type[]> versions =
                        kernel.Weights ? GpuFormats.All.Select(format => format.TypeArguments) : kernel.Typed ? Types : [[]];
                    foreach (Type[] types in versions)
                    {
                        string suffix = types.Length > 0 ? $" of {types[1].Name}" : "";
                        found.Add($"{type.Name}.{method.Name}{suffix}", types.Length > 0 ? method.MakeGenericMethod(types) : method);
                    }
                }
            }
        }

        return found;
    }
}
