namespace SLoRA.Backends.Cpu;

/// <summary>A job over independent rows. A few rows are not worth waking anybody.</summary>
internal abstract class RowJob(int workers) : ComputeJob
{
    private const int PartsPerWorker = 4;
    private const int FewRows = 4;

    private int _rows;
    private int _parts;

    /// <inheritdoc/>
    public sealed override void Execute(int part, int worker)
    {
        (int first, int end) = Share(_rows, part, _parts);
        for (int row = first; row < end; row++)
        {
            ExecuteRow(row);
        }
    }

    /// <summary>Sets the rows and says in how many parts they come.</summary>
    protected int Prepare(int rows)
    {
        _rows = rows;
        _parts = rows < FewRows ? Math.Min(rows, 1) : Math.Min(rows, workers * PartsPerWorker);
        return _parts;
    }

    /// <summary>Does one row.</summary>
    protected abstract void ExecuteRow(int row);
}
