using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches a kernel of <see cref="TensorProductKernels"/>.</summary>
internal delegate void TensorProductLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<ushort> weight0, ArrayView<ushort> weight1,
    ArrayView<ushort> weight2, ArrayView<float> bias0, ArrayView<float> bias1, ArrayView<float> bias2, ArrayView<float> y,
    GroupShape group);

/// <summary>The kernels on tensor cores; they compile when they are first asked for.</summary>
internal sealed class TensorKernels(KernelLoader loader)
{
    private readonly Lazy<TensorProductLauncher> _few = new(() => loader.Load<TensorProductLauncher>(TensorProductKernels.Few));
    private readonly Lazy<TensorProductLauncher> _several = new(() => loader.Load<TensorProductLauncher>(TensorProductKernels.Several));
    private readonly Lazy<TensorProductLauncher> _many = new(() => loader.Load<TensorProductLauncher>(TensorProductKernels.Many));

    private readonly Lazy<ShrinkLauncher> _shrink = new(() => loader.Load<ShrinkLauncher>(LoraKernels.ShrinkOnTensorCores));
    private readonly Lazy<ExpandLauncher> _expand = new(() => loader.Load<ExpandLauncher>(LoraKernels.ExpandOnTensorCores));

    /// <inheritdoc cref="TensorProductKernels.Few"/>
    public TensorProductLauncher Few => _few.Value;

    /// <inheritdoc cref="TensorProductKernels.Several"/>
    public TensorProductLauncher Several => _several.Value;

    /// <inheritdoc cref="TensorProductKernels.Many"/>
    public TensorProductLauncher Many => _many.Value;

    /// <inheritdoc cref="LoraKernels.ShrinkOnTensorCores"/>
    public ShrinkLauncher Shrink => _shrink.Value;

    /// <inheritdoc cref="LoraKernels.ExpandOnTensorCores"/>
    public ExpandLauncher Expand => _expand.Value;

    /// <summary>Compiles the products.</summary>
    public void Prepare() => _ = (Few, Several, Many);

    /// <summary>Compiles what adapters need.</summary>
    public void PrepareAdapters() => _ = (Shrink, Expand);
}

/// <summary>Products with bfloat16 weights on tensor cores: up to three that share an input in a launch.</summary>
/// <param name="kernels">The kernels.</param>
/// <param name="multiprocessors">Multiprocessors of the device.</param>
internal sealed class TensorProducts(TensorKernels kernels, int multiprocessors)
{
    /// <summary>Whether the kernels take a weight: bfloat16 with whole runs of columns.</summary>
    public static bool Takes(WeightFormat format, int inputs) => format == WeightFormat.BF16 && inputs % TensorProductKernels.Run == 0;

    /// <summary>Announces a weight that is taken.</summary>
    public void Expect() => kernels.Prepare();

    /// <summary>
    /// <c>y = x Wᵀ + b</c> for the parts of a group from <paramref name="first"/> on, as many of them as are on tensor cores and fit into
    /// a launch.
    /// </summary>
    /// <returns>How many.</returns>
    public int Multiply(
        AcceleratorStream stream, LinearGroup group, int first, ArrayView<float> x, int rows, ArrayView<float> y, int width, bool withBias)
    {
        int count = CountOf(group, first);
        var shape = new GroupShape(
            rows, group.Inputs, width, Shape(group, first, count, 0, withBias), Shape(group, first, count, 1, withBias),
            Shape(group, first, count, 2, withBias));
        (TensorProductLauncher kernel, KernelConfig config) = Choose(shape);
        kernel(
            stream, config, x, Weight(group, first, count, 0), Weight(group, first, count, 1), Weight(group, first, count, 2),
            Bias(group, first, count, 0, x), Bias(group, first, count, 1, x), Bias(group, first, count, 2, x), y, shape);
        return count;
    }

    /// <summary>
    /// The kernel for so many rows. Large tiles read least, but there have to be enough of them for all multiprocessors.
    /// </summary>
    private (TensorProductLauncher Kernel, KernelConfig Config) Choose(in GroupShape shape)
    {
        if (shape.Rows <= TensorProductKernels.FewRows)
        {
            return (kernels.Few, Launch.Groups(shape.Blocks(TensorProductKernels.FewOutputsLog2)));
        }

        int outputs = shape.Blocks(LargeTile.OutputsLog2);
        int rows = Divide(shape.Rows, 1 << LargeTile.OutputsLog2);
        bool isLarge = shape.Rows > 1 << SmallTile.OutputsLog2 && (long)outputs * rows >= multiprocessors;
        return isLarge
            ? (kernels.Many, Launch.Groups(outputs, rows))
            : (kernels.Several, Launch.Groups(shape.Blocks(SmallTile.OutputsLog2), Divide(shape.Rows, 1 << SmallTile.OutputsLog2)));
    }

    private static int CountOf(LinearGroup group, int first)
    {
        int count = 1;
        while (count < GroupShape.MaxParts && first + count < group.Parts.Length
            && ((GpuMatrix)group.Parts[first + count].Weight).OnTensorCores)
        {
            count++;
        }

        return count;
    }

    private static PartShape Shape(LinearGroup group, int first, int count, int part, bool withBias)
    {
        if (part >= count)
        {
            return default;
        }

        LinearPart own = group.Parts[first + part];
        return new PartShape(own.Weight.Outputs, group.Offsets[first + part], withBias && own.Bias is not null ? 1 : 0);
    }

    // The first part's view stands in for one that is not there; nobody reads it.
    private static ArrayView<ushort> Weight(LinearGroup group, int first, int count, int part) =>
        ((GpuMatrix)group.Parts[part < count ? first + part : first].Weight).Bytes.Cast<ushort>();

    private static ArrayView<float> Bias(LinearGroup group, int first, int count, int part, ArrayView<float> none) =>
        part < count && group.Parts[first + part].Bias is { } bias ? ((GpuVector)bias).Values : none;

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
