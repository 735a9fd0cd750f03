namespace SLoRA.Backends.Cpu;

/// <summary>Columns of single heads between rows of the step and routed rows.</summary>
internal sealed unsafe class HeadsJob(int workers) : RowJob(workers)
{
    private CpuRows _wide = null!;
    private CpuRows _routed = null!;
    private CpuRoutes _routes = null!;
    private int _firstColumn;
    private int _stride;
    private bool _back;

    /// <summary>Sets the next copy and says in how many parts it comes.</summary>
    /// <param name="wide">Rows of the step, heads side by side.</param>
    /// <param name="firstColumn">First column of head 0.</param>
    /// <param name="stride">Columns from one head to the next.</param>
    /// <param name="routes">Which row and head a routed row is.</param>
    /// <param name="routed">Routed rows.</param>
    /// <param name="rows">How many.</param>
    /// <param name="back">Whether routed rows are the source.</param>
    public int Prepare(CpuRows wide, int firstColumn, int stride, CpuRoutes routes, CpuRows routed, int rows, bool back)
    {
        _wide = wide;
        _routed = routed;
        _routes = routes;
        _firstColumn = firstColumn;
        _stride = stride;
        _back = back;
        return Prepare(rows, routed.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        (int wideRow, int head) = Math.DivRem(_routes.ChoiceOf[row], _routes.Chosen);
        var wide = new Span<float>(_wide.Row(wideRow) + _firstColumn + ((nint)head * _stride), _routed.Width);
        var routed = new Span<float>(_routed.Row(row), _routed.Width);
        if (_back)
        {
            routed.CopyTo(wide);
        }
        else
        {
            wide.CopyTo(routed);
        }
    }
}
