using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The kernels that read base weights, in the version of one format. A version is compiled when a weight is loaded that needs it, so that
/// no step waits for the compiler.
/// </summary>
internal abstract class WeightKernels
{
    /// <summary>Compiles the products.</summary>
    /// <param name="ofLeaves">Whether of sums with more than one leaf.</param>
    public abstract void PrepareProducts(bool ofLeaves);

    /// <summary>Compiles the look-up in embedding tables.</summary>
    public abstract void PrepareLookUp();

    /// <inheritdoc cref="ProductKernels.Few"/>
    public abstract void Few(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias,
        ArrayView<float> y, ProductShape shape);

    /// <inheritdoc cref="ProductKernels.Many"/>
    public abstract void Many(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias,
        ArrayView<float> y, ProductShape shape);

    /// <summary>Compiles the products of experts.</summary>
    public abstract void PrepareExperts();

    /// <inheritdoc cref="ExpertProductKernels.Few"/>
    public abstract void FewOfExperts(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias, GpuRoutes routes,
        ArrayView<float> y, ProductShape shape);

    /// <inheritdoc cref="ExpertProductKernels.Many"/>
    public abstract void ManyOfExperts(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias, GpuRoutes routes,
        ArrayView<float> y, ProductShape shape);

    /// <inheritdoc cref="EmbedKernel"/>
    public abstract void LookUp(
        AcceleratorStream stream, KernelConfig config, ArrayView<byte> table, ArrayView<int> tokens, ArrayView<float> x, int width);
}

/// <inheritdoc/>
/// <typeparam name="TStored">The words that weights lie in memory as.</typeparam>
internal sealed class WeightKernels<TStored>(
    Func<ProductLauncher<TStored>> few, Func<ProductLauncher<TStored>> many, Func<ProductLauncher<TStored>> fewOfLeaves,
    Func<ProductLauncher<TStored>> manyOfLeaves, Func<EmbedLauncher<TStored>> lookUp,
    Func<ExpertProductLauncher<TStored>> fewOfExperts, Func<ExpertProductLauncher<TStored>> manyOfExperts) : WeightKernels
    where TStored : unmanaged
{
    private readonly Lazy<ProductLauncher<TStored>> _few = new(few);
    private readonly Lazy<ProductLauncher<TStored>> _many = new(many);
    private readonly Lazy<ProductLauncher<TStored>> _fewOfLeaves = new(fewOfLeaves);
    private readonly Lazy<ProductLauncher<TStored>> _manyOfLeaves = new(manyOfLeaves);
    private readonly Lazy<EmbedLauncher<TStored>> _lookUp = new(lookUp);
    private readonly Lazy<ExpertProductLauncher<TStored>> _fewOfExperts = new(fewOfExperts);
    private readonly Lazy<ExpertProductLauncher<TStored>> _manyOfExperts = new(manyOfExperts);

    /// <inheritdoc/>
    public override void PrepareProducts(bool ofLeaves)
    {
        _ = ofLeaves ? _fewOfLeaves.Value : _few.Value;
        _ = ofLeaves ? _manyOfLeaves.Value : _many.Value;
    }

    /// <inheritdoc/>
    public override void PrepareLookUp() => _ = _lookUp.Value;

    /// <inheritdoc/>
    public override void Few(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias,
        ArrayView<float> y, ProductShape shape) =>
        (shape.Leaves.Count > 1 ? _fewOfLeaves : _few).Value(stream, config, x, weight.Cast<TStored>(), bias, y, shape);

    /// <inheritdoc/>
    public override void Many(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias,
        ArrayView<float> y, ProductShape shape) =>
        (shape.Leaves.Count > 1 ? _manyOfLeaves : _many).Value(stream, config, x, weight.Cast<TStored>(), bias, y, shape);

    /// <inheritdoc/>
    public override void PrepareExperts()
    {
        _ = _fewOfExperts.Value;
        _ = _manyOfExperts.Value;
    }

    /// <inheritdoc/>
    public override void FewOfExperts(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias, GpuRoutes routes,
        ArrayView<float> y, ProductShape shape) =>
        _fewOfExperts.Value(stream, config, x, weight.Cast<TStored>(), bias, routes.Tiles, routes.TileCount, y, shape);

    /// <inheritdoc/>
    public override void ManyOfExperts(
        AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<byte> weight, ArrayView<float> bias, GpuRoutes routes,
        ArrayView<float> y, ProductShape shape) =>
        _manyOfExperts.Value(stream, config, x, weight.Cast<TStored>(), bias, routes.Tiles, routes.TileCount, y, shape);

    /// <inheritdoc/>
    public override void LookUp(
        AcceleratorStream stream, KernelConfig config, ArrayView<byte> table, ArrayView<int> tokens, ArrayView<float> x, int width) =>
        _lookUp.Value(stream, config, table.Cast<TStored>(), tokens, x, width);
}
