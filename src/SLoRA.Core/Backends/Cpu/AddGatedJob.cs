namespace SLoRA.Backends.Cpu;

/// <summary><c>y[t] += x[t] / (1 + e^(−g[t]))</c>, g a number for each row.</summary>
internal sealed unsafe class AddGatedJob(int workers) : RowJob(workers)
{
    private CpuRows _y = null!;
    private CpuRows _gate = null!;
    private CpuRows _x = null!;

    /// <summary>Sets the next sum and says in how many parts it comes.</summary>
    public int Prepare(CpuRows y, CpuRows gate, CpuRows x, int rows)
    {
        _y = y;
        _gate = gate;
        _x = x;
        return Prepare(rows, y.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row) =>
        CombineJob.Add(_y.Row(row), _x.Row(row), 1 / (1 + MathF.Exp(-_gate.Row(row)[0])), _y.Width);
}
