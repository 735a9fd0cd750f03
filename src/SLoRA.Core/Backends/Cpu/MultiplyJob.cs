using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary><c>y[t, c] *= x[t, c']</c> over some columns.</summary>
internal sealed unsafe class MultiplyJob(int workers) : RowJob(workers)
{
    private CpuRows _y = null!;
    private CpuRows _x = null!;
    private int _yColumn;
    private int _xColumn;
    private int _columns;

    /// <summary>Sets the next product and says in how many parts it comes.</summary>
    public int Prepare(CpuRows y, int yColumn, CpuRows x, int xColumn, int columns, int rows)
    {
        _y = y;
        _yColumn = yColumn;
        _x = x;
        _xColumn = xColumn;
        _columns = columns;
        return Prepare(rows, columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* y = _y.Row(row) + _yColumn;
        float* x = _x.Row(row) + _xColumn;
        int i = 0;
        for (; i + Lanes.Count <= _columns; i += Lanes.Count)
        {
            (Vector512.Load(y + i) * Vector512.Load(x + i)).Store(y + i);
        }

        for (; i < _columns; i++)
        {
            y[i] *= x[i];
        }
    }
}
