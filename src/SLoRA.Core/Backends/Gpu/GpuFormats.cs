using System.Collections.Immutable;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// What the Gpu backend makes of each format of weights: they lie on the device as stored, and kernels widen them in registers. This is its
/// one table: a new format is a row and an arm here, with a struct that says how kernels read it.
/// </summary>
internal static class GpuFormats
{
    private static readonly GpuFormat F32 = new GpuFormat<float, StoredF32>();
    private static readonly GpuFormat F16 = new GpuFormat<ushort, StoredF16>();
    private static readonly GpuFormat BF16 = new GpuFormat<ushort, StoredBf16>();
    private static readonly GpuFormat Q8 = new GpuFormat<ushort, StoredQ8>();

    /// <summary>All rows: what kernels have a version for.</summary>
    public static ImmutableArray<GpuFormat> All { get; } = [F32, F16, BF16, Q8];

    /// <summary>
    /// The format that a weight of another has on the device: blocks without a row here are widened when they are loaded.
    /// </summary>
    public static WeightFormat Takes(WeightFormat stored) => stored is BlockFormat ? WeightFormat.F32 : stored;

    /// <summary>The row of a format.</summary>
    public static GpuFormat Of(WeightFormat format) => format switch
    {
        PlainFormat { Type: TensorType.F32 } => F32,
        PlainFormat { Type: TensorType.F16 } => F16,
        PlainFormat { Type: TensorType.BF16 } => BF16,
        Q8Format => Q8,
        _ => throw UnservedType.Error(format),
    };
}

/// <summary>A row of the table.</summary>
internal abstract class GpuFormat
{
    /// <summary>The type arguments (TStored, TFormat) of its versions of kernels.</summary>
    public abstract Type[] TypeArguments { get; }

    /// <summary>Its versions of the kernels that read weights; each compiles when it is first asked for.</summary>
    public abstract WeightKernels Load(KernelLoader loader);
}

/// <inheritdoc/>
/// <typeparam name="TStored">The words that weights lie in memory as.</typeparam>
/// <typeparam name="TFormat">How kernels read them.</typeparam>
internal sealed class GpuFormat<TStored, TFormat> : GpuFormat
    where TStored : unmanaged
    where TFormat : struct, IStoredFormat<TStored>
{
    /// <inheritdoc/>
    public override Type[] TypeArguments => [typeof(TStored), typeof(TFormat)];

    /// <inheritdoc/>
    public override WeightKernels Load(KernelLoader loader) => new WeightKernels<TStored>(
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.Few<TStored, TFormat>),
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.Many<TStored, TFormat>),
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.FewOfLeaves<TStored, TFormat>),
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.ManyOfLeaves<TStored, TFormat>),
        () => loader.Load<EmbedLauncher<TStored>>(EmbedKernel.Run<TStored, TFormat>),
        () => loader.Load<ExpertProductLauncher<TStored>>(ExpertProductKernels.Few<TStored, TFormat>),
        () => loader.Load<ExpertProductLauncher<TStored>>(ExpertProductKernels.Many<TStored, TFormat>));
}
