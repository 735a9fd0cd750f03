using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary><c>y = g / (1 + e^(−g)) ∘ u</c> for x <c>[rows, 2 I]</c> with g its left and u its right half.</summary>
internal sealed unsafe class GateJob(int workers) : RowJob(workers)
{
    // An exponential and a division, in elements that are only multiplied.
    private const int GateWork = 4;

    private CpuRows _x = null!;
    private CpuRows _y = null!;

    /// <summary>Sets the next gate and says in how many parts it comes.</summary>
    public int Prepare(CpuRows x, CpuRows y, int rows)
    {
        _x = x;
        _y = y;
        return Prepare(rows, GateWork * y.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int width = _y.Width;
        float* gate = _x.Row(row);
        float* up = gate + width;
        float* y = _y.Row(row);
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            Gate(Vector512.Load(gate + i), Vector512.Load(up + i)).Store(y + i);
        }

        if (i < width)
        {
            int left = width - i;
            Lanes.StoreFirst(Gate(Lanes.LoadFirst(gate + i, left), Lanes.LoadFirst(up + i, left)), y + i, left);
        }
    }

    private static Vector512<float> Gate(Vector512<float> gate, Vector512<float> up)
        => gate / (Vector512<float>.One + Exponential.Of(-gate)) * up;
}
