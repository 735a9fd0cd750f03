using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>Short convolutions: a part is some channels of one slice, row after row, in lanes over channels.</summary>
internal sealed unsafe class ConvolveJob : ComputeJob
{
    private const int PartChannels = 256;

    private StepPlan _plan = null!;
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private ShortConvolution _convolution = null!;
    private CpuPageMemory _pages = null!;
    private StateBlock _state;
    private int _firstColumn;
    private int _sliceParts;

    /// <summary>Sets the next convolution and says in how many parts it comes.</summary>
    public int Prepare(
        StepPlan plan, CpuRows x, int firstColumn, ShortConvolution convolution, StateBlock state, CpuPageMemory pages, CpuRows y)
    {
        _plan = plan;
        _x = x;
        _firstColumn = firstColumn;
        _convolution = convolution;
        _state = state;
        _pages = pages;
        _y = y;
        _sliceParts = (convolution.Channels + PartChannels - 1) / PartChannels;
        return plan.Slices.Length * _sliceParts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        StepSlice slice = _plan.Slices[part / _sliceParts];
        int first = part % _sliceParts * PartChannels;
        int end = Math.Min(_convolution.Channels, first + PartChannels);
        for (int channel = first; channel < end; channel += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, end - channel);
            for (int row = 0; row < slice.RowCount; row++)
            {
                Store(Output(slice, row, channel, count), _y.Row(slice.FirstRow + row) + channel, count);
            }

            // Oldest first: what is read lies behind what is written.
            int before = _convolution.Kernel - 1;
            for (int kept = 0; kept < before; kept++)
            {
                Store(Load(Input(slice, slice.RowCount - before + kept) + channel, count), State(slice, kept) + channel, count);
            }
        }
    }

    private static Vector512<float> Load(float* source, int count) =>
        count == Lanes.Count ? Vector512.Load(source) : Lanes.LoadFirst(source, count);

    private static void Store(Vector512<float> values, float* destination, int count)
    {
        if (count == Lanes.Count)
        {
            values.Store(destination);
        }
        else
        {
            Lanes.StoreFirst(values, destination, count);
        }
    }

    private Vector512<float> Output(StepSlice slice, int row, int channel, int count)
    {
        Vector512<float> sum = _convolution.Bias is { } bias
            ? Load(((CpuVector)bias).Data + channel, count)
            : Vector512<float>.Zero;
        float* weight = ((CpuVector)_convolution.Weight).Data + channel;
        for (int k = 0; k < _convolution.Kernel; k++)
        {
            float* input = Input(slice, row - _convolution.Kernel + 1 + k) + channel;
            sum = MultiplyAdd.Of(Load(weight + (k * _convolution.Channels), count), Load(input, count), sum);
        }

        return sum;
    }

    /// <summary>The inputs of a row of the slice, or, below 0, of one before it.</summary>
    private float* Input(StepSlice slice, int row) =>
        row >= 0 ? _x.Row(slice.FirstRow + row) + _firstColumn : State(slice, _convolution.Kernel - 1 + row);

    private float* State(StepSlice slice, int part) =>
        (float*)(_pages.Address(_plan.StatePages(slice)[_state.PageOf(part)]) + _state.OffsetOf(part));
}
