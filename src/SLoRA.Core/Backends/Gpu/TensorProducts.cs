using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="TensorProductKernels.Split"/>.</summary>
internal delegate void SplitLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<ushort> planes, int units);

/// <summary>Launches <see cref="TensorProductKernels.Many"/>.</summary>
internal delegate void TensorProductLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<ushort> planes, ArrayView<ushort> weight, ArrayView<float> bias,
    ArrayView<float> y, ProductShape shape);

/// <summary>The kernels of products on tensor cores; they compile when they are first asked for.</summary>
internal sealed class TensorKernels(KernelLoader loader)
{
    private readonly Lazy<ProductLauncher<ushort>> _few = new(() => loader.Load<ProductLauncher<ushort>>(TensorProductKernels.Few));
    private readonly Lazy<SplitLauncher> _split = new(() => loader.Load<SplitLauncher>(TensorProductKernels.Split));
    private readonly Lazy<TensorProductLauncher> _many = new(() => loader.Load<TensorProductLauncher>(TensorProductKernels.Many));

    /// <inheritdoc cref="TensorProductKernels.Few"/>
    public ProductLauncher<ushort> Few => _few.Value;

    /// <inheritdoc cref="TensorProductKernels.Split"/>
    public SplitLauncher Split => _split.Value;

    /// <inheritdoc cref="TensorProductKernels.Many"/>
    public TensorProductLauncher Many => _many.Value;

    /// <summary>Compiles them.</summary>
    public void Prepare() => _ = (Few, Split, Many);
}

/// <summary>Products with bfloat16 weights on tensor cores, and the memory for the terms of many rows' activations.</summary>
internal sealed class TensorProducts(GpuDevice device, TensorKernels kernels) : IDisposable
{
    private DeviceArena? _planes;
    private int _widest;
    private bool _isSplit;

    /// <summary>Whether the kernels take a weight: bfloat16 with whole runs of columns.</summary>
    public static bool Takes(WeightFormat format, int inputs) => format == WeightFormat.BF16 && inputs % TensorProductKernels.Run == 0;

    /// <summary>Announces a weight that is taken.</summary>
    public void Expect(int inputs)
    {
        kernels.Prepare();
        _widest = Math.Max(_widest, inputs);
    }

    /// <summary>All weights are announced.</summary>
    public void Complete(int rowLimit)
    {
        if (_widest > 0 && rowLimit > TensorProductKernels.FewRows)
        {
            _planes = new DeviceArena(
                device, (long)ActivationTerms.Count * rowLimit * _widest * sizeof(ushort), "the terms of activations");
        }
    }

    /// <summary>The products that follow have another input.</summary>
    public void NextInput() => _isSplit = false;

    /// <summary><c>y[:, firstColumn + n] = x Wᵀ + b</c>.</summary>
    public void Multiply(
        AcceleratorStream stream, ArrayView<ushort> weight, ArrayView<float> bias, ArrayView<float> x, ArrayView<float> y,
        ProductShape shape)
    {
        if (shape.Rows <= TensorProductKernels.FewRows)
        {
            kernels.Few(stream, Launch.Groups(Divide(shape.Outputs, TensorProductKernels.FewOutputs)), x, weight, bias, y, shape);
            return;
        }

        ArrayView<ushort> planes = _planes!.All.Cast<ushort>();
        if (!_isSplit)
        {
            int units = shape.Rows * (shape.Inputs / 8);
            kernels.Split(stream, Launch.Groups(Launch.Blocks(units)), x, planes, units);
            _isSplit = true;
        }

        kernels.Many(
            stream,
            Launch.Groups(
                Divide(shape.Outputs, TensorProductKernels.TileOutputs), Divide(shape.Rows, TensorProductKernels.TileRows)),
            planes, weight, bias, y, shape);
    }

    public void Dispose() => _planes?.Dispose();

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
