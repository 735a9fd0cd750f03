using System.Reflection;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>Every kernel, compiled for NVIDIA's devices without one, and the text read.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class KernelLintTests
{
    private static readonly SortedDictionary<string, MethodInfo>.KeyCollection Kernels = KernelMethods.All.Keys;

    /// <summary>Names of bad kernels, and of the rules that they break.</summary>
    private static readonly object[][] Bad =
    [
        [nameof(BadKernels.LocalArray), "local memory"],
        [nameof(BadKernels.FusedMultiplyAdd), "an external function"],
        [nameof(BadKernels.FusedMultiplyAdd), "calls MathF.FusedMultiplyAdd"],
        [nameof(BadKernels.CopySign), "calls MathF.CopySign"],
        [nameof(BadKernels.CopySign), "copysign"],
        [nameof(BadKernels.OwnCall), "calls: everything"],
        [nameof(BadKernels.DoublePrecision), "double precision"],
        [nameof(BadKernels.TruthAsFloat), "the smallest subnormal"],
        [nameof(BadKernels.TooMuchShared), "52000 bytes of shared memory"],
        [nameof(BadKernels.SignedDivision), "SignedDivision divides by 16"],
        [nameof(BadKernels.UnsignedDivision), "UnsignedDivision divides by 16"],
        [nameof(BadKernels.WideDivision), "WideDivision divides by 32"],
        [nameof(BadKernels.HiddenDivision), "a signed shift where the source has none"],
        [nameof(BadKernels.GuardedDivision), "a divisor that may be 0: rem.s32"],
        [nameof(BadKernels.DivisionByMemory), "a divisor that may be 0: div.s32"],
    ];

    [Test]
    public void Every_kernel_is_found() => Assert.That(KernelMethods.All, Has.Count.GreaterThanOrEqualTo(23));

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_keep_the_rules_on_the_newest_devices(string kernel)
    {
        MethodInfo method = KernelMethods.All[kernel];
        AssertClean(method, PtxCode.Of(method));
    }

    /// <summary>The dialect of the oldest driver that the backend accepts.</summary>
    [TestCaseSource(nameof(Kernels))]
    [Category("Longest")]
    public void Kernels_keep_the_rules_on_the_oldest_driver(string kernel)
    {
        MethodInfo method = KernelMethods.All[kernel];
        AssertClean(method, PtxCode.Compile(method, CudaArchitecture.SM_80, CudaInstructionSet.ISA_70));
    }

    [TestCaseSource(nameof(Bad))]
    public void Kernels_that_break_a_rule_are_told_so(string kernel, string rule)
    {
        MethodInfo method = BadKernel(kernel);
        Assert.That(Broken(method, Compile(method)), Has.Some.StartsWith(rule));
    }

    [Test]
    public void Divisors_that_are_never_0_by_their_form_are_taken()
    {
        MethodInfo method = BadKernel(nameof(BadKernels.GoodDivisions));
        Assert.That(Broken(method, Compile(method)), Is.Empty);
    }

    [Test]
    public void Kernels_without_a_limit_on_threads_are_told_so()
    {
        MethodInfo method = BadKernel(nameof(BadKernels.Good));
        Assert.That(Broken(method, Compile(method)), Is.Empty);
        Assert.That(Broken(method, Compile(method, groupSize: null)), Has.Some.StartsWith("no limit on threads"));
    }

    [Test]
    public void Accesses_that_were_moved_over_a_barrier_are_seen()
    {
        MethodInfo method = BadKernel(nameof(BadKernels.Barriers));
        Assert.That(Broken(method, Compile(method)), Is.Empty);
        Assert.That(Broken(method, Compile(method, level: OptimizationLevel.O2)), Has.Some.StartsWith("two barriers"));
    }

    /// <summary>The order of what the threads of a reduction do to shared memory, as its source has it.</summary>
    [Test]
    public void Reductions_keep_their_order_of_accesses_and_barriers()
    {
        PtxCode code =
            PtxCode.Compile(typeof(NormKernel).GetMethod(nameof(NormKernel.Run))!, CudaArchitecture.SM_90, CudaInstructionSet.ISA_88);
        var order = new List<string>();
        foreach (string line in code.Instructions)
        {
            string? what = line.Contains("ld.shared", StringComparison.Ordinal) ? "load"
                : line.Contains("st.shared", StringComparison.Ordinal) ? "store"
                : line.Contains("bar.sync", StringComparison.Ordinal) ? "barrier" : null;
            if (what is not null)
            {
                order.Add(what);
            }
        }

        // Own value; one halving of the tree, in a loop; the sum.
        Assert.That(order, Is.EquivalentTo((string[])["store", "barrier", "load", "load", "store", "barrier", "load", "barrier"]));
        Assert.That(order[..2], Is.EqualTo((string[])["store", "barrier"]));
        Assert.That(Joined(order), Does.Contain("load load store barrier").And.Contain("load barrier"));
    }

    private static string Joined(List<string> order) => string.Join(' ', order);

    private static MethodInfo BadKernel(string name) => typeof(BadKernels).GetMethod(name)!;

    private static PtxCode Compile(
        MethodInfo kernel, int? groupSize = SLoRA.Backends.Gpu.KernelLoader.GroupSize, OptimizationLevel? level = null) =>
        PtxCode.Compile(kernel, CudaArchitecture.SM_90, CudaInstructionSet.ISA_88, groupSize, level);

    private static IEnumerable<string> Broken(MethodInfo kernel, PtxCode code) =>
        KernelRules.Broken(new KernelCode(kernel), code).Concat(DivisorRule.Broken(kernel, code));

    private static void AssertClean(MethodInfo kernel, PtxCode code) => Assert.That(Broken(kernel, code), Is.Empty, code.Text);
}
