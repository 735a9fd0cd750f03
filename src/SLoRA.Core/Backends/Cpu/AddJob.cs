using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary><c>x += y</c>, row by row.</summary>
internal sealed unsafe class AddJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRows _y = null!;

    /// <summary>Sets the next sum and says in how many parts it comes.</summary>
    public int Prepare(CpuRows x, CpuRows y, int rows)
    {
        _x = x;
        _y = y;
        return Prepare(rows);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* x = _x.Row(row);
        float* y = _y.Row(row);
        int i = 0;
        for (; i + Lanes.Count <= _x.Width; i += Lanes.Count)
        {
            (Vector512.Load(x + i) + Vector512.Load(y + i)).Store(x + i);
        }

        for (; i < _x.Width; i++)
        {
            x[i] += y[i];
        }
    }
}
