using System.Runtime.InteropServices;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>A backend in main memory with one more operation: that of <see cref="AverageBlock"/>, whose states are in the pages.</summary>
internal sealed class StateBackend(IBackend inner) : ForwardingBackend(inner)
{
    private KvLayout? _layout;
    private StepPlan? _plan;
    private float[] _values = [];

    public override void AllocatePages(KvLayout layout, int pageCount)
    {
        _layout = layout;
        base.AllocatePages(layout, pageCount);
    }

    public override void BeginStep(StepPlan plan)
    {
        _plan = plan;
        base.BeginStep(plan);
    }

    /// <summary>
    /// Goes through the rows of each slice in turn: states come out of the pages before the first, and go back after the last.
    /// </summary>
    /// <param name="block">What is computed.</param>
    /// <param name="firstState">The index of its averages; that of its last inputs follows.</param>
    /// <param name="x">Rows.</param>
    /// <param name="y">Receives what the block adds.</param>
    public void Average(AverageBlock block, int firstState, DeviceRows x, DeviceRows y)
    {
        int width = block.HiddenSize, count = block.Parts * block.PartAverages;
        int kept = (count + AverageBlock.Inputs) * width;
        _values = _values.Length < kept ? new float[kept] : _values;
        Span<float> averages = _values.AsSpan(0, count * width), inputs = _values.AsSpan(count * width, AverageBlock.Inputs * width);
        foreach (StepSlice slice in _plan!.Slices)
        {
            Read(slice, firstState, block.Parts, averages);
            Read(slice, firstState + 1, AverageBlock.Inputs, inputs);
            for (int row = slice.FirstRow; row < slice.FirstRow + slice.RowCount; row++)
            {
                Span<float> input = Row(x, row), output = Row(y, row);
                output.Clear();
                for (int k = 0; k < count; k++)
                {
                    float decay = AverageBlock.Decay(k);
                    Span<float> average = averages.Slice(k * width, width);
                    for (int i = 0; i < width; i++)
                    {
                        average[i] = (decay * average[i]) + ((1 - decay) * input[i]);
                        output[i] += average[i] / count;
                    }
                }

                for (int i = 0; i < width; i++)
                {
                    output[i] += (inputs[width + i] / 2) - (inputs[i] / 4);
                }

                inputs[width..].CopyTo(inputs);
                input.CopyTo(inputs[width..]);
            }

            Write(slice, firstState, block.Parts, averages);
            Write(slice, firstState + 1, AverageBlock.Inputs, inputs);
        }
    }

    private static unsafe Span<float> Row(DeviceRows rows, int row) => rows switch
    {
        ReferenceRows reference => reference.Values[row].AsSpan(0, rows.Width),
        CpuRows cpu => new Span<float>(cpu.Row(row), rows.Width),
        _ => throw new ArgumentException($"{rows.GetType().Name} are not in main memory."),
    };

    private void Read(StepSlice slice, int state, int parts, Span<float> values)
    {
        StateBlock block = _layout!.States[state];
        for (int part = 0, size = values.Length / parts; part < parts; part++)
        {
            Pages.Read(Page(slice, block, part), block.OffsetOf(part), MemoryMarshal.AsBytes(values.Slice(part * size, size)));
        }
    }

    private void Write(StepSlice slice, int state, int parts, Span<float> values)
    {
        StateBlock block = _layout!.States[state];
        for (int part = 0, size = values.Length / parts; part < parts; part++)
        {
            Pages.Write(Page(slice, block, part), block.OffsetOf(part), MemoryMarshal.AsBytes(values.Slice(part * size, size)));
        }
    }

    private int Page(StepSlice slice, StateBlock block, int part) => _plan!.StatePages(slice)[block.PageOf(part)];
}
