using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// A kernel with one version per element type of the cache. A version is compiled when its type is announced, so that no step waits
/// for the compiler.
/// </summary>
/// <typeparam name="TWide">Launcher of the version for fp32.</typeparam>
/// <typeparam name="TNarrow">Launcher of the versions for the 16-bit types.</typeparam>
internal sealed class TypedKernel<TWide, TNarrow>(Func<TWide> wide, Func<TNarrow> half, Func<TNarrow> brain)
    where TWide : Delegate
    where TNarrow : Delegate
{
    private readonly Lazy<TWide> _wide = new(wide);
    private readonly Lazy<TNarrow> _half = new(half);
    private readonly Lazy<TNarrow> _brain = new(brain);

    /// <summary>The version for fp32.</summary>
    public TWide Wide => _wide.Value;

    /// <summary>The version for a 16-bit type.</summary>
    public TNarrow Narrow(TensorType type) => type switch
    {
        TensorType.F16 => _half.Value,
        TensorType.BF16 => _brain.Value,
        _ => throw UnservedType.Error(type),
    };

    /// <summary>Compiles the version for a type.</summary>
    public void Prepare(TensorType type) => _ = type == TensorType.F32 ? (Delegate)Wide : Narrow(type);
}
