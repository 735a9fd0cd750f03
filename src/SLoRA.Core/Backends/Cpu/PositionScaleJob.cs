using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>Multiplies the first columns of every row by a factor of its position.</summary>
internal sealed unsafe class PositionScaleJob(int workers) : RowJob(workers)
{
    private PositionScale _scale = null!;
    private CpuRows _x = null!;
    private StepPlan _plan = null!;
    private int _columns;

    /// <summary>Sets the next product and says in how many parts it comes.</summary>
    public int Prepare(PositionScale scale, CpuRows x, int columns, StepPlan plan)
    {
        _scale = scale;
        _x = x;
        _columns = columns;
        _plan = plan;
        return Prepare(plan.RowCount, columns);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float factor = _scale.At(_plan.Positions[row]);
        float* x = _x.Row(row);
        for (int i = 0; i < _columns; i++)
        {
            x[i] *= factor;
        }
    }
}
