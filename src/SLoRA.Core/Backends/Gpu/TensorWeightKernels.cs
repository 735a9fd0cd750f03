using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches a kernel of <see cref="TensorProductKernels"/> or <see cref="PackedProductKernels"/>.</summary>
/// <typeparam name="TStored">The words that weights lie in memory as.</typeparam>
internal delegate void TensorProductLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<TStored> weight0, ArrayView<TStored> weight1,
    ArrayView<TStored> weight2, ArrayView<float> bias0, ArrayView<float> bias1, ArrayView<float> bias2, ArrayView<float> y,
    GroupShape group)
    where TStored : unmanaged;

/// <summary>What a launch of up to three products that share their input reads; the first's stand in for what is not there.</summary>
internal readonly record struct TensorWeights(
    ArrayView<byte> Weight0, ArrayView<byte> Weight1, ArrayView<byte> Weight2,
    ArrayView<float> Bias0, ArrayView<float> Bias1, ArrayView<float> Bias2);

/// <summary>Products on tensor cores with weights of one format, of whole runs of columns; they compile when they are prepared.</summary>
internal abstract class TensorWeightKernels
{
    /// <summary>Compiles them.</summary>
    public abstract void Prepare();

    /// <summary><c>y = x Wᵀ + b</c> for all parts.</summary>
    /// <param name="stream">Where the kernel is launched.</param>
    /// <param name="x">Inputs.</param>
    /// <param name="weights">Weights and biases.</param>
    /// <param name="y">Outputs.</param>
    /// <param name="shape">Shapes.</param>
    /// <param name="multiprocessors">Multiprocessors of the device.</param>
    public abstract void Multiply(
        AcceleratorStream stream, ArrayView<float> x, in TensorWeights weights, ArrayView<float> y, in GroupShape shape,
        int multiprocessors);

    /// <summary>Launches one of them.</summary>
    protected static void Launch<TStored>(
        TensorProductLauncher<TStored> kernel, AcceleratorStream stream, KernelConfig config, ArrayView<float> x,
        in TensorWeights weights, ArrayView<float> y, in GroupShape shape)
        where TStored : unmanaged => kernel(
            stream, config, x, weights.Weight0.Cast<TStored>(), weights.Weight1.Cast<TStored>(), weights.Weight2.Cast<TStored>(),
            weights.Bias0, weights.Bias1, weights.Bias2, y, shape);

    /// <summary>How many groups of a size there are to so many elements.</summary>
    protected static int Divide(int elements, int size) => (elements + size - 1) / size;
}

/// <summary>bfloat16.</summary>
internal sealed class BrainWeightKernels(KernelLoader loader) : TensorWeightKernels
{
    private readonly Lazy<TensorProductLauncher<ushort>> _few =
        new(() => loader.Load<TensorProductLauncher<ushort>>(TensorProductKernels.Few));

    private readonly Lazy<TensorProductLauncher<ushort>> _several =
        new(() => loader.Load<TensorProductLauncher<ushort>>(TensorProductKernels.Several));

    private readonly Lazy<TensorProductLauncher<ushort>> _many =
        new(() => loader.Load<TensorProductLauncher<ushort>>(TensorProductKernels.Many));

    /// <inheritdoc/>
    public override void Prepare() => _ = (_few.Value, _several.Value, _many.Value);

    /// <inheritdoc/>
    public override void Multiply(
        AcceleratorStream stream, ArrayView<float> x, in TensorWeights weights, ArrayView<float> y, in GroupShape shape,
        int multiprocessors)
    {
        (TensorProductLauncher<ushort> kernel, KernelConfig config) = Choose(shape, multiprocessors);
        Launch(kernel, stream, config, x, weights, y, shape);
    }

    /// <summary>
    /// The kernel for so many rows. Large tiles read least, but there have to be enough of them for all multiprocessors.
    /// </summary>
    private (TensorProductLauncher<ushort> Kernel, KernelConfig Config) Choose(in GroupShape shape, int multiprocessors)
    {
        if (shape.Rows <= TensorProductKernels.FewRows)
        {
            return (_few.Value, Kernels.Launch.Groups(shape.Blocks(TensorProductKernels.FewOutputsLog2)));
        }

        int outputs = shape.Blocks(LargeTile.OutputsLog2);
        int rows = Divide(shape.Rows, 1 << LargeTile.OutputsLog2);
        bool isLarge = shape.Rows > 1 << SmallTile.OutputsLog2 && (long)outputs * rows >= multiprocessors;
        return isLarge
            ? (_many.Value, Kernels.Launch.Groups(outputs, rows))
            : (_several.Value,
                Kernels.Launch.Groups(shape.Blocks(SmallTile.OutputsLog2), Divide(shape.Rows, 1 << SmallTile.OutputsLog2)));
    }
}

/// <summary>Packed weights.</summary>
/// <typeparam name="TCodes">How codes lie.</typeparam>
/// <typeparam name="TScales">How scales lie.</typeparam>
internal sealed class PackedWeightKernels<TCodes, TScales>(KernelLoader loader) : TensorWeightKernels
    where TCodes : struct, IUnitCodes
    where TScales : struct, IUnitScales
{
    private readonly Lazy<TensorProductLauncher<uint>> _multiply =
        new(() => loader.Load<TensorProductLauncher<uint>>(PackedProductKernels.Multiply<TCodes, TScales>));

    /// <inheritdoc/>
    public override void Prepare() => _ = _multiply.Value;

    /// <inheritdoc/>
    public override void Multiply(
        AcceleratorStream stream, ArrayView<float> x, in TensorWeights weights, ArrayView<float> y, in GroupShape shape,
        int multiprocessors)
    {
        KernelConfig config = Kernels.Launch.Groups(
            shape.Blocks(TensorProductKernels.FewOutputsLog2), Divide(shape.Rows, TensorProductKernels.FewRows));
        Launch(_multiply.Value, stream, config, x, weights, y, shape);
    }
}
