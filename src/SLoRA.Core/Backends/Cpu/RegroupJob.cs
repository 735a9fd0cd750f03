using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>Columns of rows to other places in other rows.</summary>
internal sealed unsafe class RegroupJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private ImmutableArray<ColumnRun> _runs;
    private CpuRows _y = null!;

    /// <summary>Sets what is copied and says in how many parts it comes.</summary>
    public int Prepare(CpuRows x, ImmutableArray<ColumnRun> runs, CpuRows y, int rows)
    {
        _x = x;
        _runs = runs;
        _y = y;
        return Prepare(rows, y.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* x = _x.Row(row);
        float* y = _y.Row(row);
        foreach (ColumnRun run in _runs)
        {
            for (int block = 0; block < run.Blocks; block++)
            {
                new ReadOnlySpan<float>(x + run.From + (block * run.FromStride), run.Columns)
                    .CopyTo(new Span<float>(y + run.To + (block * run.ToStride), run.Columns));
            }
        }
    }
}
