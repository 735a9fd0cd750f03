using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Rotates heads of every row in place.</summary>
internal sealed unsafe class RotateJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private CpuRope _rope = null!;
    private int _firstColumn;
    private int _heads;
    private int _headDim;

    /// <summary>Sets the next rotation and says in how many parts it comes.</summary>
    public int Prepare(CpuRows x, int firstColumn, int heads, int headDim, CpuRope rope, int rows)
    {
        _x = x;
        _firstColumn = firstColumn;
        _heads = heads;
        _headDim = headDim;
        _rope = rope;
        return Prepare(rows, 2 * heads * headDim);
    }

    /// <summary>
    /// Turns the pairs of one head: <c>lo cos − hi sin | hi cos + lo sin</c>. Columns behind those of the pairs stay as they are.
    /// </summary>
    public static void Rotate(float* head, CpuRope rope, int row)
    {
        float* cosines = rope.Cosines + (row * rope.Stride);
        float* sines = rope.Sines + (row * rope.Stride);
        int pairs = rope.Pairs;
        int i = 0;
        if (rope.AdjacentPairs)
        {
            for (; i < pairs; i++)
            {
                float lo = head[2 * i];
                float hi = head[(2 * i) + 1];
                head[2 * i] = (lo * cosines[i]) - (hi * sines[i]);
                head[(2 * i) + 1] = (hi * cosines[i]) + (lo * sines[i]);
            }

            return;
        }

        for (; i + Lanes.Count <= pairs; i += Lanes.Count)
        {
            Vector512<float> lo = Vector512.Load(head + i);
            Vector512<float> hi = Vector512.Load(head + pairs + i);
            Vector512<float> cos = Vector512.Load(cosines + i);
            Vector512<float> sin = Vector512.Load(sines + i);
            ((lo * cos) - (hi * sin)).Store(head + i);
            ((hi * cos) + (lo * sin)).Store(head + pairs + i);
        }

        for (; i < pairs; i++)
        {
            float lo = head[i];
            float hi = head[pairs + i];
            head[i] = (lo * cosines[i]) - (hi * sines[i]);
            head[pairs + i] = (hi * cosines[i]) + (lo * sines[i]);
        }
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        for (int head = 0; head < _heads; head++)
        {
            Rotate(_x.Row(row) + _firstColumn + (head * _headDim), _rope, row);
        }
    }
}
