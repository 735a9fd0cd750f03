using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="BlasKernels.Narrow"/>.</summary>
internal delegate void NarrowLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<ushort> narrow, int width);

/// <summary>Launches <see cref="BlasKernels.AddBias"/>.</summary>
internal delegate void BiasLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> bias, ArrayView<float> y, int outputs, int width, int firstColumn);

/// <summary>
/// Products with the base weights through cuBLAS. With fp32 weights everything is fp32; with 16-bit weights the activations are rounded to
/// their type first, once for all parts that share them. Sums are fp32 either way.
/// </summary>
internal sealed class BlasProducts : IDisposable
{
    private readonly GpuDevice _device;
    private readonly CuBlas _blas;
    private readonly BiasLauncher _addBias;
    private readonly NarrowLauncher _half;
    private readonly NarrowLauncher _brain;
    private DeviceArena? _scratch;
    private int _widest;
    private TensorType? _narrowed;

    /// <summary>Loads library and kernels.</summary>
    /// <exception cref="GpuException">The device or the library does not allow it.</exception>
    public BlasProducts(GpuDevice device, KernelLoader loader)
    {
        _device = device;
        _blas = new CuBlas(device);
        try
        {
            _addBias = loader.Load<BiasLauncher>(BlasKernels.AddBias);
            _half = loader.Load<NarrowLauncher>(BlasKernels.Narrow<ushort, StoredF16>);
            _brain = loader.Load<NarrowLauncher>(BlasKernels.Narrow<ushort, StoredBf16>);
        }
        catch
        {
            _blas.Dispose();
            throw;
        }
    }

    /// <summary>Whether cuBLAS knows a format: it multiplies element types and nothing in blocks.</summary>
    public static bool Takes(WeightFormat format) => format is PlainFormat;

    /// <summary>Announces a weight of a format that is taken.</summary>
    public void Expect(WeightSource source)
    {
        if (source.Format != WeightFormat.F32)
        {
            _widest = Math.Max(_widest, source.Columns);
        }
    }

    /// <summary>All weights are announced: takes the memory for rounded activations.</summary>
    public void Complete(int rowLimit)
    {
        if (_widest > 0)
        {
            _scratch = new DeviceArena(_device, (long)rowLimit * _widest * sizeof(ushort), "rounded activations");
        }
    }

    /// <summary>The products that follow have another input.</summary>
    public void NextInput() => _narrowed = null;

    /// <summary><c>y[:, firstColumn + n] = x Wᵀ + b</c>: x [rows, K], W [N, K], y [rows, width].</summary>
    public void Multiply(GpuMatrix weight, GpuVector? bias, ArrayView<float> x, int rows, ArrayView<float> y, int width, int firstColumn)
    {
        (CuBlas.DataType type, nint input) = weight.Format switch
        {
            PlainFormat { Type: TensorType.F32 } => (CuBlas.DataType.F32, x.LoadEffectiveAddressAsPtr()),
            PlainFormat { Type: TensorType.F16 } => (CuBlas.DataType.F16, Narrow(TensorType.F16, _half, x, rows, weight.Inputs)),
            PlainFormat { Type: TensorType.BF16 } => (CuBlas.DataType.BF16, Narrow(TensorType.BF16, _brain, x, rows, weight.Inputs)),
            _ => throw UnservedType.Error(weight.Format),
        };
        nint output = y.LoadEffectiveAddressAsPtr() + (firstColumn * sizeof(float));
        _blas.Multiply(type, input, weight.Bytes.LoadEffectiveAddressAsPtr(), output, rows, weight.Inputs, weight.Outputs, width);
        if (bias is not null)
        {
            _addBias(_device.Stream, Launch.Elements(rows, weight.Outputs), bias.Values, y, weight.Outputs, width, firstColumn);
        }
    }

    public void Dispose()
    {
        _scratch?.Dispose();
        _blas.Dispose();
    }

    private nint Narrow(TensorType type, NarrowLauncher launch, ArrayView<float> x, int rows, int width)
    {
        ArrayView<ushort> narrow = _scratch!.All.Cast<ushort>();
        if (_narrowed != type)
        {
            launch(_device.Stream, Launch.Elements(rows, width), x, narrow, width);
            _narrowed = type;
        }

        return narrow.LoadEffectiveAddressAsPtr();
    }
}
