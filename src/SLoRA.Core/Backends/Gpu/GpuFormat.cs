using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>A row of the table of <see cref="GpuFormats"/>.</summary>
/// <param name="name">What versions of kernels are called by.</param>
internal abstract class GpuFormat(string name)
{
    /// <summary>What versions of kernels are called by.</summary>
    public string Name { get; } = name;

    /// <summary>The type arguments (TStored, TFormat) of its versions of kernels.</summary>
    public abstract Type[] TypeArguments { get; }

    /// <summary>The type arguments (TCodes, TScales) of those for packed weights on tensor cores; null where it is none of these.</summary>
    public virtual Type[]? PackedArguments => null;

    /// <summary>How rows are laid out anew when they are loaded; null where they lie as stored.</summary>
    public virtual RowPacking? Packing => null;

    /// <summary>Its versions of the kernels that read weights; each compiles when it is first asked for.</summary>
    public abstract WeightKernels Load(KernelLoader loader);

    /// <summary>Its products on tensor cores; null where there are none.</summary>
    public virtual TensorWeightKernels? LoadTensor(KernelLoader loader) => null;

    /// <summary>The kernels that read weights through <typeparamref name="TFormat"/>.</summary>
    protected static WeightKernels Load<TStored, TFormat>(KernelLoader loader)
        where TStored : unmanaged
        where TFormat : struct, IStoredFormat<TStored> => new WeightKernels<TStored>(
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.Few<TStored, TFormat>),
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.Many<TStored, TFormat>),
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.FewOfLeaves<TStored, TFormat>),
        () => loader.Load<ProductLauncher<TStored>>(ProductKernels.ManyOfLeaves<TStored, TFormat>),
        () => loader.Load<EmbedLauncher<TStored>>(EmbedKernel.Run<TStored, TFormat>),
        () => loader.Load<ExpertProductLauncher<TStored>>(ExpertProductKernels.Few<TStored, TFormat>),
        () => loader.Load<ExpertProductLauncher<TStored>>(ExpertProductKernels.Many<TStored, TFormat>));
}

/// <summary>Elements as stored.</summary>
/// <typeparam name="TStored">The words that weights lie in memory as.</typeparam>
/// <typeparam name="TFormat">How kernels read them.</typeparam>
internal sealed class StoredGpuFormat<TStored, TFormat>(string name) : GpuFormat(name)
    where TStored : unmanaged
    where TFormat : struct, IStoredFormat<TStored>
{
    /// <inheritdoc/>
    public override Type[] TypeArguments => [typeof(TStored), typeof(TFormat)];

    /// <summary>Makes the products on tensor cores; null where there are none.</summary>
    public Func<KernelLoader, TensorWeightKernels>? Tensor { get; init; }

    /// <inheritdoc/>
    public override WeightKernels Load(KernelLoader loader) => Load<TStored, TFormat>(loader);

    /// <inheritdoc/>
    public override TensorWeightKernels? LoadTensor(KernelLoader loader) => Tensor?.Invoke(loader);
}

/// <summary>Codes and scales in units.</summary>
/// <typeparam name="TCodes">How codes lie.</typeparam>
/// <typeparam name="TScales">How scales lie.</typeparam>
/// <typeparam name="TBlocks">How files store them.</typeparam>
internal sealed class PackedGpuFormat<TCodes, TScales, TBlocks>(string name) : GpuFormat(name)
    where TCodes : struct, IUnitCodes
    where TScales : struct, IUnitScales
    where TBlocks : struct, IStoredCodes
{
    /// <inheritdoc/>
    public override Type[] TypeArguments => [typeof(uint), typeof(PackedFormat<TCodes, TScales>)];

    /// <inheritdoc/>
    public override Type[] PackedArguments => [typeof(TCodes), typeof(TScales)];

    /// <inheritdoc/>
    public override RowPacking Packing { get; } = new RowPacking<TCodes, TScales, TBlocks>();

    /// <inheritdoc/>
    public override WeightKernels Load(KernelLoader loader) => Load<uint, PackedFormat<TCodes, TScales>>(loader);

    /// <inheritdoc/>
    public override TensorWeightKernels LoadTensor(KernelLoader loader) => new PackedWeightKernels<TCodes, TScales>(loader);
}
