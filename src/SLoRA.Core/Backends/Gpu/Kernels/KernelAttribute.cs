using System.Reflection;
using ILGPU.Runtime;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Marks a method that runs on the device, so that tests find every kernel. It is static, and all its work is grouped explicitly.
/// </summary>
/// <param name="typed">Whether it has the type parameters (TStored, TElement) of an <see cref="IStoredType{TStored}"/>.</param>
/// <param name="weights">Whether it has the type parameters (TStored, TFormat) of an <see cref="IStoredFormat{TStored}"/>.</param>
/// <param name="packed">Whether it has the type parameters of a <see cref="PackedFormat{TCodes,TScales}"/>.</param>
/// <param name="cache">Whether it has the type parameters (TStored, TElements) of an <see cref="ICacheElements{TStored}"/>.</param>
/// <param name="resident">
/// Groups that a multiprocessor is to hold at least; 0 leaves it to NVIDIA's assembler, which may put variables into local memory so that
/// more groups fit.
/// </param>
/// <param name="residentPacked">The same for versions that read packed weights.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelAttribute(
    bool typed = false, bool weights = false, bool packed = false, bool cache = false, int resident = 0, int residentPacked = 0) : Attribute
{
    /// <summary>Whether it has the type parameters (TStored, TElement), with a version for each element type.</summary>
    public bool Typed { get; } = typed;

    /// <summary>Whether it has the type parameters (TStored, TFormat), with a version for each format of weights.</summary>
    public bool Weights { get; } = weights;

    /// <summary>Whether it has the type parameters (TCodes, TScales), with a version for each format of packed weights.</summary>
    public bool Packed { get; } = packed;

    /// <summary>Whether it has the type parameters (TStored, TElements), with a version for each kind of cache on tensor cores.</summary>
    public bool Cache { get; } = cache;

    /// <summary>Groups that a multiprocessor is to hold at least; 0 for whatever the assembler chooses.</summary>
    public int Resident { get; } = resident;

    /// <summary>The same of versions that read packed weights; 0 for <see cref="Resident"/>.</summary>
    public int ResidentPacked { get; } = residentPacked;

    /// <summary>What the compiler is told of a kernel's groups.</summary>
    public static KernelSpecialization Specialization(MethodInfo kernel, int? groupSize)
    {
        KernelAttribute? marked = kernel.GetCustomAttribute<KernelAttribute>();
        int resident = marked is { ResidentPacked: > 0 } && ReadsPackedWeights(kernel) ? marked.ResidentPacked : marked?.Resident ?? 0;
        return new KernelSpecialization(groupSize, resident > 0 ? resident : null);
    }

    private static bool ReadsPackedWeights(MethodInfo kernel) => kernel.IsGenericMethod && Array.Exists(
        kernel.GetGenericArguments(),
        static argument => argument.IsGenericType && argument.GetGenericTypeDefinition() == typeof(PackedFormat<,>));
}
