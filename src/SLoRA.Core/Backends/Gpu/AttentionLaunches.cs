using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>The launches that write and read keys and values, in the version of the cache's element type.</summary>
internal sealed class AttentionLaunches
{
    private readonly GpuDevice _device;
    private readonly GpuKernels _kernels;
    private readonly GpuPageMemory _pages;
    private readonly KvLayout _layout;
    private readonly StepUpload _step;
    private readonly TensorAttentionLaunches? _tensor;

    /// <summary>Compiles the versions that the layout needs.</summary>
    public AttentionLaunches(GpuDevice device, GpuKernels kernels, GpuPageMemory pages, KvLayout layout, StepUpload step)
    {
        _device = device;
        _kernels = kernels;
        _pages = pages;
        _layout = layout;
        _step = step;
        _tensor = kernels.TensorAttention is { } tensor && TensorAttentionLaunches.Takes(layout)
            ? new TensorAttentionLaunches(device, tensor, pages, layout, step)
            : null;
        if (layout.HasScales)
        {
            _ = kernels.Integers.Heads;
            return;
        }

        kernels.RotateAndStore.Prepare(layout.Type);
        kernels.Attend.Prepare(layout.Type);
    }

    /// <summary>Rotates the queries and keys of so many rows and writes keys and values into their pages.</summary>
    public void RotateAndStore(GpuRows qkv, int rows, int layer, GroupedAttention attention, GpuRope rope)
    {
        CacheShape shape = Shape(layer, attention);
        KernelConfig config = Launch.Groups(rows);
        ArrayView<int> starts = _step.TableStart(_layout.Layers[layer].Group);
        if (_layout.HasScales)
        {
            _kernels.Integers.Heads.RotateAndStore(
                _device.Stream, config, qkv.Values, _pages.Words, _step.Positions, starts, _step.Pages, rope.Angles, shape,
                IntegerCacheLayout.Of(_layout, layer, attention.HeadDim), rope.Shape);
        }
        else if (_layout.Type == TensorType.F32)
        {
            _kernels.RotateAndStore.Wide(
                _device.Stream, config, qkv.Values, _pages.Floats, _step.Positions, starts, _step.Pages, rope.Angles, shape,
                rope.Shape);
        }
        else
        {
            _kernels.RotateAndStore.Narrow(_layout.Type)(
                _device.Stream, config, qkv.Values, _pages.Halves, _step.Positions, starts, _step.Pages, rope.Angles, shape,
                rope.Shape);
        }
    }

    /// <summary>Attends, in splits whose partial results are merged at the end.</summary>
    public void Attend(GpuRows qkv, int layer, GroupedAttention attention, ArrayView<float> partial, GpuRows y, GpuVector? sinks)
    {
        var shape = new AttentionShape(
            Shape(layer, attention), attention.Window ?? 0, attention.Chunk ?? 0, attention.ScoreScale, attention.ScoreCap ?? 0,
            sinks is null ? 0 : 1, IsWide(layer, attention) ? 1 : 0);
        // A view that nobody reads stands in for sinks that are not there.
        ArrayView<float> scores = sinks is null ? qkv.Values : sinks.Values;
        if (_tensor is not null && _tensor.Takes(layer, attention))
        {
            _tensor.Attend(qkv.Values, layer, attention, shape, scores, partial, y.Values);
        }
        else
        {
            AttendPlainly(qkv, layer, attention, shape, scores, partial, y);
        }

        if (_step.MergeCount > 0)
        {
            _kernels.Merge(
                _device.Stream, Launch.Groups(_step.MergeCount, attention.Heads), partial, _step.Merges, scores, y.Values,
                attention.Heads, attention.HeadDim, shape.HasSinks);
        }
    }

    private void AttendPlainly(
        GpuRows qkv, int layer, GroupedAttention attention, in AttentionShape shape, ArrayView<float> scores, ArrayView<float> partial,
        GpuRows y)
    {
        KernelConfig config = Launch.Groups(_step.TaskCount, attention.Heads);
        ArrayView<int> starts = _step.TableStart(_layout.Layers[layer].Group);
        if (_layout.HasScales)
        {
            _kernels.Integers.Heads.Attend(
                _device.Stream, config, qkv.Values, _pages.Words, _step.Tasks, _step.Positions, starts, _step.Pages, scores, partial,
                y.Values, shape, IntegerCacheLayout.Of(_layout, layer, attention.HeadDim));
        }
        else if (_layout.Type == TensorType.F32)
        {
            _kernels.Attend.Wide(
                _device.Stream, config, qkv.Values, _pages.Floats, _step.Tasks, _step.Positions, starts, _step.Pages, scores,
                partial, y.Values, shape);
        }
        else
        {
            _kernels.Attend.Narrow(_layout.Type)(
                _device.Stream, config, qkv.Values, _pages.Halves, _step.Tasks, _step.Positions, starts, _step.Pages, scores,
                partial, y.Values, shape);
        }
    }

    /// <summary>Whether keys can be read 16 bytes at a time.</summary>
    private bool IsWide(int layer, GroupedAttention attention) =>
        ((_layout.Layers[layer].KeyOffset | _layout.PageBytes | ((long)attention.HeadDim * _layout.Type.ElementSize())) & 15) == 0;

    private CacheShape Shape(int layer, GroupedAttention attention)
    {
        int size = _layout.Type.ElementSize();
        LayerBlock block = _layout.Layers[layer];
        return new CacheShape(
            attention.Heads, attention.KeyValueHeads, attention.HeadsPerKey, attention.FirstHead, attention.HeadDim,
            int.Log2(_layout.PageTokens), _layout.PageBytes / size, block.KeyOffset / size, block.ValueOffset / size);
    }
}
