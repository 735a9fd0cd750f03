using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Gpu.Lint;

namespace SLoRA.Core.Tests.Backends.Gpu.Assembly;

/// <summary>Every kernel through NVIDIA's assembler: nothing in local memory, and nothing beyond the budget beside it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AssemblyTests
{
    private static readonly SortedDictionary<string, System.Reflection.MethodInfo>.KeyCollection Kernels = KernelMethods.All.Keys;

    private static readonly Lazy<Dictionary<string, KernelBudget>> _budgets = new(KernelBudget.Read);

    [OneTimeSetUp]
    public void IgnoreWithoutAnAssembler() => Ptxas.IgnoreWithout();

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_assemble_without_local_memory_and_within_their_budget(string kernel)
    {
        string text = PtxCode.Of(KernelMethods.All[kernel]).Text;
        MachineCode sm80 = Ptxas.Assemble(text, "sm_80", listed: false);
        MachineCode sm90 = Ptxas.Assemble(text, "sm_90");
        Assert.Multiple(() =>
        {
            Assert.That(sm80.LocalBytes, Is.Zero, "stack and spills on sm_80");
            Assert.That(sm90.LocalBytes, Is.Zero, "stack and spills on sm_90");
            Assert.That(sm90.Loops.GenericAccesses, Is.Zero, "accesses that do not say of which memory");
        });
        if (Ptxas.IsThatOfTheBudgets)
        {
            KernelBudget taken = KernelBudget.Of(kernel, sm80, sm90);
            Assert.That(_budgets.Value, Does.ContainKey(kernel), $"no budget; it takes {taken}");
            Assert.That(taken.Beyond(_budgets.Value[kernel]), Is.Empty, $"takes {taken}\nbudget {_budgets.Value[kernel]}");
        }
    }

    [Test]
    public void Every_budget_is_that_of_a_kernel() => Assert.That(_budgets.Value.Keys, Is.SubsetOf(KernelMethods.All.Keys));

    [Test]
    public void Kernels_beyond_their_budget_are_told_so()
    {
        var budget = new KernelBudget("kernel", 40, 42, 1024, 16, 8, 16);
        Assert.Multiple(() =>
        {
            Assert.That(budget.Beyond(budget), Is.Empty);
            Assert.That((budget with { Multiplications = 16, Integers = 32 }).Beyond(budget), Is.Empty);
            Assert.That((budget with { Registers80 = 41 }).Beyond(budget), Is.EqualTo((string[])["more registers"]));
            Assert.That((budget with { SharedBytes = 1025 }).Beyond(budget), Is.EqualTo((string[])["more shared memory"]));
            Assert.That((budget with { LoadBytes = 8 }).Beyond(budget), Is.EqualTo((string[])["narrower loads"]));
            Assert.That((budget with { Integers = 17 }).Beyond(budget), Has.Exactly(1).Contains("integer"));
        });
    }

    [Test]
    public void Spills_and_the_hot_loop_are_seen_in_machine_code()
    {
        MachineCode local = Ptxas.Assemble(Compile(typeof(BadKernels).GetMethod(nameof(BadKernels.LocalArray))!), "sm_90");
        Assert.That(local.LocalBytes, Is.EqualTo(16));
        MachineCode loop = Ptxas.Assemble(Compile(typeof(BadKernels).GetMethod(nameof(BadKernels.Barriers))!), "sm_90");
        Assert.That(loop.Loops.WidestLoad, Is.EqualTo(4));
    }

    /// <summary>Writes the budgets anew from what kernels take: for who has made a kernel that is meant to take more.</summary>
    [Test]
    [Explicit("writes tests/SLoRA.Core.Tests/Backends/Gpu/Assembly/budget.txt")]
    public void Write_the_budgets() => KernelBudget.Write(Kernels.AsParallel().Select(kernel =>
    {
        string text = PtxCode.Of(KernelMethods.All[kernel]).Text;
        return KernelBudget.Of(kernel, Ptxas.Assemble(text, "sm_80", listed: false), Ptxas.Assemble(text, "sm_90"));
    }));

    private static string Compile(System.Reflection.MethodInfo kernel) =>
        PtxCode.Compile(kernel, CudaArchitecture.SM_90, CudaInstructionSet.ISA_78).Text;
}
