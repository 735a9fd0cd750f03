using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Recurrences: a part is some columns of one head's state, which do not depend on each other, through all rows of a slice. A state lies in
/// strips of 16 columns, <c>[n, 16]</c> each, so that a strip stays in the first cache from row to row; a last strip of w columns is
/// <c>[n, w]</c>, and is worked on as one of 16.
/// </summary>
internal sealed unsafe class RecurJob : ComputeJob
{
    private const int PartColumns = 4 * Lanes.Count;

    // Rows whose keys and queries are prepared together: fewer would prepare nothing less, and more would not stay in the cache.
    private const int BlockRows = 16;

    private StepPlan _plan = null!;
    private CpuRows _x = null!;
    private CpuRows _steps = null!;
    private CpuRows _y = null!;
    private LoadedRecurrence _recurrence = null!;
    private Recurrence _shape = null!;
    private CpuPageMemory _pages = null!;
    private StateBlock _state;
    private int _headParts;

    /// <summary>Sets the next recurrence and says in how many parts it comes.</summary>
    public int Prepare(
        StepPlan plan, CpuRows x, CpuRows steps, LoadedRecurrence recurrence, StateBlock state, CpuPageMemory pages, CpuRows y)
    {
        _plan = plan;
        _x = x;
        _steps = steps;
        _recurrence = recurrence;
        _shape = recurrence.Shape;
        _state = state;
        _pages = pages;
        _y = y;
        _headParts = (_shape.ValueColumns + PartColumns - 1) / PartColumns;
        return plan.Slices.Length * _shape.Heads * _headParts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int at, int columns) = Math.DivRem(part, _headParts);
        (int index, int head) = Math.DivRem(at, _shape.Heads);
        StepSlice slice = _plan.Slices[index];
        float* state = (float*)(_pages.Address(_plan.StatePages(slice)[_state.PageOf(head)]) + _state.OffsetOf(head));
        int first = columns * PartColumns, end = Math.Min(_shape.ValueColumns, first + PartColumns);
        int keys = _shape.KeyColumns, blockRows = Math.Min(BlockRows, slice.RowCount);
        int copied = _shape.IsDelta ? 2 * blockRows * keys : 0;
        float* vectors = stackalloc float[copied];
        float* strip = stackalloc float[end % Lanes.Count == 0 ? 0 : keys * Lanes.Count];
        RecurrentRow* rows = stackalloc RecurrentRow[blockRows];
        for (int done = 0; done < slice.RowCount; done += blockRows)
        {
            int count = Math.Min(blockRows, slice.RowCount - done);
            for (int row = 0; row < count; row++)
            {
                rows[row] = RowOf(slice.FirstRow + done + row, head, vectors + (copied / blockRows * row));
            }

            for (int column = first; column < end; column += Lanes.Count)
            {
                float* own = state + (column * keys);
                int width = Math.Min(Lanes.Count, end - column);
                if (width == Lanes.Count)
                {
                    Strip(own, rows, count, column);
                    continue;
                }

                for (int i = 0; i < keys; i++)
                {
                    Lanes.LoadFirst(own + (i * width), width).Store(strip + (i * Lanes.Count));
                }

                LastStrip(strip, rows, count, column, width);
                for (int i = 0; i < keys; i++)
                {
                    new ReadOnlySpan<float>(strip + (i * Lanes.Count), width).CopyTo(new Span<float>(own + (i * width), width));
                }
            }
        }
    }

    private void Strip(float* state, RecurrentRow* rows, int count, int column)
    {
        for (int row = 0; row < count; row++)
        {
            RecurrentStep.Next(state, rows + row, _shape, rows[row].Value + column, rows[row].Result + column);
        }
    }

    /// <summary>As <see cref="Strip"/>, where values and results have fewer columns than lanes.</summary>
    private void LastStrip(float* state, RecurrentRow* rows, int count, int column, int width)
    {
        float* value = stackalloc float[2 * Lanes.Count];
        float* result = value + Lanes.Count;
        for (int row = 0; row < count; row++)
        {
            Lanes.LoadFirst(rows[row].Value + column, width).Store(value);
            RecurrentStep.Next(state, rows + row, _shape, value, result);
            new ReadOnlySpan<float>(result, width).CopyTo(new Span<float>(rows[row].Result + column, width));
        }
    }

    private RecurrentRow RowOf(int row, int head, float* vectors)
    {
        int keys = _shape.KeyColumns, group = head / (_shape.Heads / _shape.Groups);
        float* x = _x.Row(row);
        float* steps = _steps.Row(row);
        float step = RecurrentStep.Softplus(
            (_shape.StepScale * steps[_shape.FirstStep + head]) + ((CpuVector)_recurrence.Bias).Data[head]);
        var made = new RecurrentRow
        {
            Key = x + _shape.FirstKey + (group * keys),
            Query = x + _shape.FirstQuery + (group * keys),
            Value = x + _shape.FirstValue + (head * _shape.ValueColumns),
            Result = _y.Row(row) + (head * _shape.ValueColumns),
            Decay = MathF.Exp(-((CpuVector)_recurrence.Rate).Data[head] * step),
            Factor = step,
            Skip = _recurrence.Skip is { } skip ? ((CpuVector)skip).Data[head] : 0,
        };
        if (_shape.FirstStrength is not { } first)
        {
            return made;
        }

        RecurrentStep.ToLength(made.Key, vectors, keys, 1);
        RecurrentStep.ToLength(made.Query, vectors + keys, keys, 1 / MathF.Sqrt(keys));
        return made with
        {
            Key = vectors,
            Query = vectors + keys,
            Factor = 1 / (1 + MathF.Exp(-steps[first + head])),
        };
    }
}
