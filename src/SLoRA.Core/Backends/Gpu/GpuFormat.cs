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

    /// <summary>How rows are laid out anew when they are loaded; null where they lie as stored.</summary>
    public virtual RowPacking? Packing => null;

    /// <summary>Its versions of the kernels that read weights; each compiles when it is first asked for.</summary>
    public abstract WeightKernels Load(KernelLoader loader);

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

    /// <inheritdoc/>
    public override WeightKernels Load(KernelLoader loader) => Load<TStored, TFormat>(loader);
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
    public override RowPacking Packing { get; } = new RowPacking<TCodes, TScales, TBlocks>();

    /// <inheritdoc/>
    public override WeightKernels Load(KernelLoader loader) => Load<uint, PackedFormat<TCodes, TScales>>(loader);
}
