using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>Launches <see cref="TensorAttentionKernels.Split"/>.</summary>
/// <typeparam name="TStored">What elements of the cache lie in memory as.</typeparam>
internal delegate void SplitLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> qkv, ArrayView<TStored> pool, ArrayView<int> tasks,
    ArrayView<int> positions, ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> partial, AttentionShape shape,
    CacheBlocks blocks, QuerySharing sharing)
    where TStored : unmanaged;

/// <summary>Launches <see cref="TensorAttentionKernels.Walk"/>.</summary>
/// <typeparam name="TStored">What elements of the cache lie in memory as.</typeparam>
internal delegate void WalkLauncher<TStored>(
    AcceleratorStream stream, KernelConfig config, ArrayView<float> qkv, ArrayView<TStored> pool, ArrayView<int> walks,
    ArrayView<int> positions, ArrayView<int> tableStart, ArrayView<int> pages, ArrayView<float> sinks, ArrayView<float> y,
    AttentionShape shape, CacheBlocks blocks, QuerySharing sharing)
    where TStored : unmanaged;

/// <summary>The kernels of attention on tensor cores; a pair compiles when it is first asked for.</summary>
internal sealed class TensorAttentionKernelSet(KernelLoader loader)
{
    private readonly Lazy<(SplitLauncher<ushort>, WalkLauncher<ushort>)> _half = new(() => (
        loader.Load<SplitLauncher<ushort>>(TensorAttentionKernels.Split<ushort, F16Cache>),
        loader.Load<WalkLauncher<ushort>>(TensorAttentionKernels.Walk<ushort, F16Cache>)));

    private readonly Lazy<(SplitLauncher<ushort>, WalkLauncher<ushort>)> _brain = new(() => (
        loader.Load<SplitLauncher<ushort>>(TensorAttentionKernels.Split<ushort, Bf16Cache>),
        loader.Load<WalkLauncher<ushort>>(TensorAttentionKernels.Walk<ushort, Bf16Cache>)));

    private readonly Lazy<(SplitLauncher<uint>, WalkLauncher<uint>)> _integers = new(() => (
        loader.Load<SplitLauncher<uint>>(TensorAttentionKernels.Split<uint, IntegersCache>),
        loader.Load<WalkLauncher<uint>>(TensorAttentionKernels.Walk<uint, IntegersCache>)));

    /// <summary>For keys and values of two bytes.</summary>
    public (SplitLauncher<ushort> Split, WalkLauncher<ushort> Walk) Narrow(TensorType type) =>
        type == TensorType.F16 ? _half.Value : _brain.Value;

    /// <summary>For keys and values of one byte.</summary>
    public (SplitLauncher<uint> Split, WalkLauncher<uint> Walk) Integers => _integers.Value;
}

/// <summary>
/// Attention on tensor cores, for the layers whose keys and values it can read: one launch for single rows whose context has several
/// splits, one for all other rows.
/// </summary>
internal sealed class TensorAttentionLaunches
{
    private readonly GpuDevice _device;
    private readonly TensorAttentionKernelSet _kernels;
    private readonly GpuPageMemory _pages;
    private readonly KvLayout _layout;
    private readonly StepUpload _step;

    /// <summary>Compiles the version that the layout needs, which is not one of fp32.</summary>
    public TensorAttentionLaunches(
        GpuDevice device, TensorAttentionKernelSet kernels, GpuPageMemory pages, KvLayout layout, StepUpload step)
    {
        _device = device;
        _kernels = kernels;
        _pages = pages;
        _layout = layout;
        _step = step;
        if (layout.HasScales)
        {
            _ = kernels.Integers;
        }
        else
        {
            _ = kernels.Narrow(layout.Type);
        }
    }

    /// <summary>Whether keys and values of a type have versions here. fp32 has none: elements would be three terms each.</summary>
    public static bool Takes(KvLayout layout) => layout.HasScales || layout.Type is TensorType.F16 or TensorType.BF16;

    /// <summary>
    /// Whether a layer can be read: its heads are whole units of eight columns, at most <see cref="TensorAttention.LargestHead"/>, that lie
    /// at multiples of 16 bytes, and pages have two tokens at least.
    /// </summary>
    public bool Takes(int layer, GroupedAttention attention)
    {
        LayerBlock block = _layout.Layers[layer];
        return attention.HeadDim % 8 == 0 && attention.HeadDim <= TensorAttention.LargestHead && _layout.PageTokens > 1
            && ((block.KeyOffset | block.ValueOffset | _layout.PageBytes) & 15) == 0;
    }

    /// <summary>Attends; what splits have stays in partial.</summary>
    /// <param name="qkv">Queries.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="attention">Its attention.</param>
    /// <param name="shape">The same, as kernels want it.</param>
    /// <param name="sinks">Scores of sinks, or anything where there are none.</param>
    /// <param name="partial">Takes what splits have of single rows.</param>
    /// <param name="y">Takes the other rows.</param>
    public void Attend(
        ArrayView<float> qkv, int layer, GroupedAttention attention, in AttentionShape shape, ArrayView<float> sinks,
        ArrayView<float> partial, ArrayView<float> y)
    {
        CacheBlocks blocks = Blocks(layer, attention);
        QuerySharing sharing = Sharing(attention);
        ArrayView<int> starts = _step.TableStart(_layout.Layers[layer].Group);
        KernelConfig splits = Launch.Groups(_step.SplitCount, attention.KeyValueHeads * sharing.HeadBlocks);
        KernelConfig walks = Launch.Groups(_step.WalkCount, attention.KeyValueHeads * sharing.HeadBlocks * sharing.RowBlocks);
        if (_step.SplitCount > 0 && _layout.HasScales)
        {
            _kernels.Integers.Split(
                _device.Stream, splits, qkv, _pages.Words, _step.Tasks, _step.Positions, starts, _step.Pages, partial, shape, blocks,
                sharing);
        }
        else if (_step.SplitCount > 0)
        {
            _kernels.Narrow(_layout.Type).Split(
                _device.Stream, splits, qkv, _pages.Halves, _step.Tasks, _step.Positions, starts, _step.Pages, partial, shape, blocks,
                sharing);
        }

        if (_step.WalkCount > 0 && _layout.HasScales)
        {
            _kernels.Integers.Walk(
                _device.Stream, walks, qkv, _pages.Words, _step.Walks, _step.Positions, starts, _step.Pages, sinks, y, shape, blocks,
                sharing);
        }
        else if (_step.WalkCount > 0)
        {
            _kernels.Narrow(_layout.Type).Walk(
                _device.Stream, walks, qkv, _pages.Halves, _step.Walks, _step.Positions, starts, _step.Pages, sinks, y, shape, blocks,
                sharing);
        }
    }

    /// <summary>A tile has the query heads of a key head, and as many rows as that leaves room for.</summary>
    private static QuerySharing Sharing(GroupedAttention attention)
    {
        int heads = Math.Min(attention.HeadsPerKey, TensorAttention.Slots);
        int rows = TensorAttention.Slots / heads;
        int tiles = attention.HeadDim > 2 * TensorAttention.Columns ? 2 : 4;
        return new QuerySharing(
            heads, Divide(attention.HeadsPerKey, heads), rows, tiles, Divide(TensorAttentionKernels.WalkRows, tiles * rows));
    }

    private CacheBlocks Blocks(int layer, GroupedAttention attention)
    {
        LayerBlock block = _layout.Layers[layer];
        int columns = _layout.HasScales ? KeyValueShape.IntegersOf(attention.HeadDim, 0) : attention.HeadDim;
        int unit = 8 * (_layout.HasScales ? 1 : _layout.Type.ElementSize());
        return new CacheBlocks(
            int.Log2(_layout.PageTokens), columns / 8, checked((int)(_layout.PageBytes / unit)), (int)(block.KeyOffset / unit),
            (int)(block.ValueOffset / unit), (int)(block.HeadBytes / unit), (int)(block.ScaleOffset / sizeof(float)));
    }

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;
}
