namespace SLoRA.Backends.Cpu;

/// <summary><c>x[t] = E[token(t)]</c>, widened to fp32.</summary>
internal sealed unsafe class EmbedJob(int workers) : RowJob(workers)
{
    private CpuTable _table = null!;
    private CpuRows _x = null!;
    private int[] _tokens = [];

    /// <summary>Sets the next look-up and says in how many parts it comes.</summary>
    public int Prepare(CpuTable table, ReadOnlySpan<int> tokens, CpuRows x)
    {
        _table = table;
        _x = x;
        if (_tokens.Length < tokens.Length)
        {
            _tokens = new int[Math.Max(tokens.Length, 2 * _tokens.Length)];
        }

        tokens.CopyTo(_tokens);
        return Prepare(tokens.Length, x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row) =>
        _table.Format.Widen(_table.Entry(_tokens[row]), new Span<float>(_x.Row(row), _table.Width));
}
