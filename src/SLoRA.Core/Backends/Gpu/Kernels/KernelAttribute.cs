using System.Reflection;
using ILGPU.Runtime;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Marks a method that runs on the device, so that tests find every kernel. It is static, and all its work is grouped explicitly.
/// </summary>
/// <param name="typed">Whether it has the type parameters (TStored, TElement) of an <see cref="IStoredType{TStored}"/>.</param>
/// <param name="weights">Whether it has the type parameters (TStored, TFormat) of an <see cref="IStoredFormat{TStored}"/>.</param>
/// <param name="resident">
/// Groups that a multiprocessor is to hold at least; 0 leaves it to NVIDIA's assembler, which may put variables into local memory so that
/// more groups fit.
/// </param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelAttribute(bool typed = false, bool weights = false, int resident = 0) : Attribute
{
    /// <summary>Whether it has the type parameters (TStored, TElement), with a version for each element type.</summary>
    public bool Typed { get; } = typed;

    /// <summary>Whether it has the type parameters (TStored, TFormat), with a version for each format of weights.</summary>
    public bool Weights { get; } = weights;

    /// <summary>Groups that a multiprocessor is to hold at least; 0 for whatever the assembler chooses.</summary>
    public int Resident { get; } = resident;

    /// <summary>What the compiler is told of a kernel's groups.</summary>
    public static KernelSpecialization Specialization(MethodInfo kernel, int? groupSize)
    {
        int resident = kernel.GetCustomAttribute<KernelAttribute>()?.Resident ?? 0;
        return new KernelSpecialization(groupSize, resident > 0 ? resident : null);
    }
}
