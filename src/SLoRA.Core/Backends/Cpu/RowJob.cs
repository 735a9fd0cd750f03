namespace SLoRA.Backends.Cpu;

/// <summary>A job over independent rows. What one thread has done in a microsecond or two is not worth a hand-over to another.</summary>
internal abstract class RowJob(int workers) : ComputeJob
{
    private const int PartsPerWorker = 4;
    private const int ElementsPerPart = 8192;

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
    /// <param name="rows">Rows.</param>
    /// <param name="elements">How much work a row is, in elements that are loaded, multiplied and stored.</param>
    protected int Prepare(int rows, int elements)
    {
        long parts = Math.Clamp((long)rows * elements / ElementsPerPart, 1, workers * PartsPerWorker);
        _rows = rows;
        _parts = (int)Math.Min(rows, parts);
        return _parts;
    }

    /// <summary>Does one row.</summary>
    protected abstract void ExecuteRow(int row);
}
