using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="LatentKernels.RotateAndStore"/>.</summary>
internal delegate void LatentStoreLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> q, ArrayView<float> kv, ArrayView<TStored> pool,
    ArrayView<int> positions, ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> angles, LatentShape shape)
    where TStored : unmanaged;

/// <summary>Launches <see cref="LatentKernels.Attend"/>.</summary>
internal delegate void LatentAttendLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> absorbed, ArrayView<float> q, ArrayView<TStored> pool,
    ArrayView<int> rowOf, ArrayView<int> positions, ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> y, LatentShape shape)
    where TStored : unmanaged;

/// <summary>Launches <see cref="LatentKernels.ChooseAll"/>.</summary>
internal delegate void ChooseAllLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<int> experts, ArrayView<float> weights, int choices, int chosen);

/// <summary>Launches <see cref="LatentKernels.TakeHeads"/>.</summary>
internal delegate void TakeHeadsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> choiceOf, ArrayView<float> y, int heads, int width,
    int firstColumn, int stride, int columns);

/// <summary>Launches <see cref="LatentKernels.PutHeads"/>.</summary>
internal delegate void PutHeadsLauncher(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> x, ArrayView<int> choiceOf, ArrayView<float> y, int columns);

/// <summary>The launchers of the kernels that latent attention needs; compiled for models that have it.</summary>
internal sealed class LatentKernelSet(KernelLoader loader)
{
    /// <inheritdoc cref="LatentKernels.RotateAndStore"/>
    public TypedKernel<LatentStoreLauncher<float>, LatentStoreLauncher<ushort>> RotateAndStore { get; } = new(
        () => loader.Load<LatentStoreLauncher<float>>(LatentKernels.RotateAndStore<float, StoredF32>),
        () => loader.Load<LatentStoreLauncher<ushort>>(LatentKernels.RotateAndStore<ushort, StoredF16>),
        () => loader.Load<LatentStoreLauncher<ushort>>(LatentKernels.RotateAndStore<ushort, StoredBf16>));

    /// <inheritdoc cref="LatentKernels.Attend"/>
    public TypedKernel<LatentAttendLauncher<float>, LatentAttendLauncher<ushort>> Attend { get; } = new(
        () => loader.Load<LatentAttendLauncher<float>>(LatentKernels.Attend<float, StoredF32>),
        () => loader.Load<LatentAttendLauncher<ushort>>(LatentKernels.Attend<ushort, StoredF16>),
        () => loader.Load<LatentAttendLauncher<ushort>>(LatentKernels.Attend<ushort, StoredBf16>));

    /// <inheritdoc cref="LatentKernels.ChooseAll"/>
    public ChooseAllLauncher ChooseAll { get; } = loader.Load<ChooseAllLauncher>(LatentKernels.ChooseAll);

    /// <inheritdoc cref="LatentKernels.TakeHeads"/>
    public TakeHeadsLauncher TakeHeads { get; } = loader.Load<TakeHeadsLauncher>(LatentKernels.TakeHeads);

    /// <inheritdoc cref="LatentKernels.PutHeads"/>
    public PutHeadsLauncher PutHeads { get; } = loader.Load<PutHeadsLauncher>(LatentKernels.PutHeads);
}

/// <summary>The launches of latent attention, in the version of the cache's element type.</summary>
internal sealed class LatentLaunches
{
    private readonly GpuDevice _device;
    private readonly LatentKernelSet _kernels;
    private readonly IntegerCacheKernelSet _integers;
    private readonly GpuPageMemory _pages;
    private readonly KvLayout _layout;
    private readonly StepUpload _step;

    /// <summary>Compiles the version that the layout needs.</summary>
    public LatentLaunches(GpuDevice device, GpuKernels kernels, GpuPageMemory pages, KvLayout layout, StepUpload step)
    {
        _device = device;
        _kernels = kernels.Latent;
        _integers = kernels.Integers;
        _pages = pages;
        _layout = layout;
        _step = step;
        if (layout.HasScales)
        {
            _ = _integers.Latents;
            return;
        }

        _kernels.RotateAndStore.Prepare(layout.Type);
        _kernels.Attend.Prepare(layout.Type);
    }

    /// <summary>Every row chooses every expert.</summary>
    public void ChooseAll(GpuRoutes routes, int choices) => _kernels.ChooseAll(
        _device.Stream, Launch.Groups(Launch.Blocks(choices)), routes.Expert, routes.Weight, choices, routes.Chosen);

    /// <summary>Columns of single heads to routed rows.</summary>
    public void TakeHeads(GpuRows x, int firstColumn, int stride, GpuRoutes routes, GpuRows y, int choices) => _kernels.TakeHeads(
        _device.Stream, Launch.Elements(choices, y.Width), x.Values, routes.ChoiceOf, y.Values, routes.Chosen, x.Width, firstColumn, stride,
        y.Width);

    /// <summary>And back.</summary>
    public void PutHeads(GpuRows x, GpuRoutes routes, GpuRows y, int choices) => _kernels.PutHeads(
        _device.Stream, Launch.Elements(choices, x.Width), x.Values, routes.ChoiceOf, y.Values, x.Width);

    /// <summary>Rotates queries and key parts and writes what is kept of each row.</summary>
    public void RotateAndStore(GpuRows q, GpuRows kv, int rows, int layer, LatentAttention attention, GpuRope rope)
    {
        LatentShape shape = Shape(layer, attention);
        KernelConfig config = Launch.Groups(rows);
        ArrayView<int> starts = _step.TableStart(_layout.Layers[layer].Group);
        if (_layout.HasScales)
        {
            _integers.Latents.RotateAndStore(
                _device.Stream, config, q.Values, kv.Values, _pages.Words, _step.Positions, starts, _step.Pages, rope.Angles, shape,
                IntegerCacheLayout.Of(_layout, layer, attention.KeyColumns, attention.Rotated));
        }
        else if (_layout.Type == TensorType.F32)
        {
            _kernels.RotateAndStore.Wide(
                _device.Stream, config, q.Values, kv.Values, _pages.Floats, _step.Positions, starts, _step.Pages, rope.Angles,
                shape);
        }
        else
        {
            _kernels.RotateAndStore.Narrow(_layout.Type)(
                _device.Stream, config, q.Values, kv.Values, _pages.Halves, _step.Positions, starts, _step.Pages, rope.Angles,
                shape);
        }
    }

    /// <summary>Attends.</summary>
    public void Attend(GpuRows absorbed, GpuRows q, int rows, int layer, LatentAttention attention, GpuRoutes routes, GpuRows y)
    {
        LatentShape shape = Shape(layer, attention);
        KernelConfig config = Launch.Groups(rows, attention.Heads);
        ArrayView<int> starts = _step.TableStart(_layout.Layers[layer].Group);
        if (_layout.HasScales)
        {
            _integers.Latents.Attend(
                _device.Stream, config, absorbed.Values, q.Values, _pages.Words, routes.RowOf, _step.Positions, starts, _step.Pages,
                y.Values, shape, IntegerCacheLayout.Of(_layout, layer, attention.KeyColumns, attention.Rotated));
        }
        else if (_layout.Type == TensorType.F32)
        {
            _kernels.Attend.Wide(
                _device.Stream, config, absorbed.Values, q.Values, _pages.Floats, routes.RowOf, _step.Positions, starts,
                _step.Pages, y.Values, shape);
        }
        else
        {
            _kernels.Attend.Narrow(_layout.Type)(
                _device.Stream, config, absorbed.Values, q.Values, _pages.Halves, routes.RowOf, _step.Positions, starts,
                _step.Pages, y.Values, shape);
        }
    }

    private LatentShape Shape(int layer, LatentAttention attention)
    {
        int size = _layout.Type.ElementSize();
        return new LatentShape(
            attention, int.Log2(_layout.PageTokens), _layout.PageBytes / size, _layout.Layers[layer].KeyOffset / size);
    }
}
