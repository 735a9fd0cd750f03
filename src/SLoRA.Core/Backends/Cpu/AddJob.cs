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
        return Prepare(rows, x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row) => Add(_x.Row(row), _y.Row(row), _x.Width);

    /// <summary><c>x += y</c>.</summary>
    internal static void Add(float* x, float* y, int width)
    {
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            (Vector512.Load(x + i) + Vector512.Load(y + i)).Store(x + i);
        }

        for (; i < width; i++)
        {
            x[i] += y[i];
        }
    }
}
