using System.Reflection;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// Every kernel as PTX text, compiled without a device: <c>ptxas -arch=sm_90 -v</c> over the files gives registers, spills and shared
/// memory of each.
/// </summary>
internal static class PtxFiles
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

    /// <summary>All kernels of the library; those with versions per type once for each.</summary>
    public static IEnumerable<(string Name, MethodInfo Kernel)> Kernels() =>
        from type in typeof(KernelAttribute).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        let attribute = method.GetCustomAttribute<KernelAttribute>()
        where attribute is not null
        from version in Versions(attribute).Select(version => version.Types.Length == 0
            ? ($"{type.Name}.{method.Name}", method)
            : ($"{type.Name}.{method.Name}.{Short(version.Name)}", method.MakeGenericMethod(version.Types)))
        orderby version.Item1
        select version;

    private static IEnumerable<(string Name, Type[] Types)> Versions(KernelAttribute kernel) =>
        kernel.Weights ? GpuFormats.All.Select(format => (format.Name, format.TypeArguments))
        : kernel.Packed ? GpuFormats.All.Where(format => format.PackedArguments is not null)
            .Select(format => (format.Name, format.PackedArguments!))
        : kernel.Cache ? Caches
        : kernel.Typed ? Types : [("", [])];

    private static string Short(string name) => name.Replace("Stored", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Writes one file per kernel.</summary>
    public static void Write(string folder, Tally tally)
    {
        Directory.CreateDirectory(folder);
        int count = 0;
        foreach ((string name, MethodInfo kernel) in Kernels())
        {
            try
            {
                File.WriteAllText(Path.Combine(folder, name + ".ptx"), Compile(kernel));
                count++;
                tally.Add(true, name, "compiles to PTX");
            }
            catch (Exception error) when (error is not IOException)
            {
                tally.Add(false, name, $"does not compile to PTX: {error.Message}");
            }
        }

        Console.WriteLine($"{count} kernels written to {folder}");
    }

    /// <summary>One kernel, as the Gpu backend compiles it. A context of its own: one that has failed once is of no use any more.</summary>
    public static string Compile(MethodInfo kernel)
    {
        using ILGPU.Context context = GpuDevice.Create(static _ => { });
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(CudaArchitecture.SM_90), CudaArchitecture.SM_90, CudaInstructionSet.ISA_88, null);
        var compiled = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(kernel), KernelAttribute.Specialization(kernel, KernelLoader.GroupSize));
        PtxText.Finish(compiled);
        return compiled.PTXAssembly;
    }
}
