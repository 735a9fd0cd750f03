namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Marks a method that runs on the device, so that tests find every kernel. It is static, and all its work is grouped explicitly.
/// </summary>
/// <param name="typed">Whether it has the type parameters (TStored, TElement) of an <see cref="IStoredType{TStored}"/>.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelAttribute(bool typed = false) : Attribute
{
    /// <summary>Whether it has the type parameters (TStored, TElement).</summary>
    public bool Typed { get; } = typed;
}
