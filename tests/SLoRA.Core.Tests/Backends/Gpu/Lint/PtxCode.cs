using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>The text that a kernel is compiled to for NVIDIA's devices, without a device or a driver.</summary>
internal sealed partial class PtxCode
{
    private static readonly ConcurrentDictionary<MethodInfo, Lazy<PtxCode>> _texts = new();

    private PtxCode(string text)
    {
        Text = text;
        Instructions = [.. text.Split('\n').Select(line => Comment().Replace(line, "").Trim()).Where(line => line.Length > 0)];
    }

    public string Text { get; }

    /// <summary>Lines that say something.</summary>
    public IReadOnlyList<string> Instructions { get; }

    /// <summary>Bytes of static shared memory.</summary>
    public long SharedBytes => SharedBlock().Matches(Text)
        .Sum(block => long.Parse(block.Groups["bytes"].Value, null) * (int.Parse(block.Groups["bits"].Value, null) / 8));

    /// <summary>
    /// A kernel's text for the newest devices, in the newest dialect that the assembler of the budgets knows. Compiled once for all tests.
    /// </summary>
    /// <param name="kernel">The kernel, closed over its types.</param>
    public static PtxCode Of(MethodInfo kernel) => _texts.GetOrAdd(kernel, static method => new Lazy<PtxCode>(
        () => Compile(method, CudaArchitecture.SM_90, CudaInstructionSet.ISA_78))).Value;

    /// <summary>
    /// Compiles a kernel as <see cref="KernelLoader"/> does. A failed compilation spoils its context, so each has its own.
    /// </summary>
    /// <param name="kernel">The kernel, closed over its types.</param>
    /// <param name="architecture">For which devices.</param>
    /// <param name="dialect">In which version of the language.</param>
    /// <param name="groupSize">Threads of a group; null leaves it open.</param>
    /// <param name="level">Another optimisation level than the backend's.</param>
    public static PtxCode Compile(
        MethodInfo kernel, CudaArchitecture architecture, CudaInstructionSet dialect, int? groupSize = KernelLoader.GroupSize,
        OptimizationLevel? level = null)
    {
        using Context context = level is { } other
            ? Context.Create(builder => builder.EnableAlgorithms().Optimize(other))
            : GpuDevice.Create(static _ => { });
        using var backend = new PTXBackend(context, new CudaCapabilityContext(architecture), architecture, dialect, null);
        var compiled = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(kernel), KernelAttribute.Specialization(kernel, groupSize));
        PtxText.Finish(compiled);
        return new PtxCode(compiled.PTXAssembly);
    }

    /// <summary>Instructions whose name matches.</summary>
    public IEnumerable<string> Of(string pattern) => Instructions.Where(line => Regex.IsMatch(line, @"^(@!?%p\d+\s+)?" + pattern));

    [GeneratedRegex("//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\.shared\s+(\.align\s+\d+\s+)?\.[bfsu](?<bits>\d+)\s+\w+\[(?<bytes>\d+)\]")]
    private static partial Regex SharedBlock();
}
