namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Marks a method that runs on the device, so that tests find every kernel. It is static, and all its work is grouped explicitly.
/// </summary>
/// <param name="typed">Whether it has the type parameters (TStored, TElement) of an <see cref="IStoredType{TStored}"/>.</param>
/// <param name="weights">Whether it has the type parameters (TStored, TFormat) of an <see cref="IStoredFormat{TStored}"/>.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelAttribute(bool typed = false, bool weights = false) : Attribute
{
    /// <summary>Whether it has the type parameters (TStored, TElement), with a version for each element type.</summary>
    public bool Typed { get; } = typed;

    /// <summary>Whether it has the type parameters (TStored, TFormat), with a version for each format of weights.</summary>
    public bool Weights { get; } = weights;
}
