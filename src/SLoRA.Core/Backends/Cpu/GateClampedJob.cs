using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary><c>y = (u + 1) ∘ g / (1 + e^(−α g))</c> for x <c>[rows, 2 I]</c> whose columns are g and u in turn, both limited.</summary>
internal sealed unsafe class GateClampedJob(int workers) : RowJob(workers)
{
    // An exponential and a division, in elements that are only multiplied.
    private const int GateWork = 6;

    private ClampedGate _gate = null!;
    private CpuRows _x = null!;
    private CpuRows _y = null!;

    /// <summary>Sets the next gate and says in how many parts it comes.</summary>
    public int Prepare(ClampedGate gate, CpuRows x, CpuRows y, int rows)
    {
        _gate = gate;
        _x = x;
        _y = y;
        return Prepare(rows, GateWork * y.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* gates = stackalloc float[Lanes.Count];
        float* ups = stackalloc float[Lanes.Count];
        float* x = _x.Row(row);
        float* y = _y.Row(row);
        Vector512<float> limit = Vector512.Create(_gate.Limit);
        for (int first = 0; first < _y.Width; first += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, _y.Width - first);
            for (int i = 0; i < Lanes.Count; i++)
            {
                gates[i] = i < count ? x[2 * (first + i)] : 0;
                ups[i] = i < count ? x[(2 * (first + i)) + 1] : 0;
            }

            Vector512<float> gate = Vector512.Min(Vector512.Load(gates), limit);
            Vector512<float> up = Vector512.Max(Vector512.Min(Vector512.Load(ups), limit), -limit);
            Vector512<float> result = (up + Vector512<float>.One) * gate / (Vector512<float>.One + Exponential.Of(gate * -_gate.Alpha));
            if (count == Lanes.Count)
            {
                result.Store(y + first);
            }
            else
            {
                Lanes.StoreFirst(result, y + first, count);
            }
        }
    }
}
