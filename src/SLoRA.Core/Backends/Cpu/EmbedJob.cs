namespace SLoRA.Backends.Cpu;

/// <summary><c>x[t] = E[token(t)]</c>, widened to fp32.</summary>
internal sealed unsafe class EmbedJob(int workers) : RowJob(workers)
{
    private CpuTable _table = null!;
    private CpuRows _x = null!;
    private int[] _tokens = [];
    private int _first;

    /// <summary>Sets the next look-up and says in how many parts it comes.</summary>
    /// <param name="table">The table.</param>
    /// <param name="tokens">Token per row. Rows of tokens that the table does not have are left as they are.</param>
    /// <param name="first">The token of the table's first entry.</param>
    /// <param name="x">The rows.</param>
    public int Prepare(CpuTable table, ReadOnlySpan<int> tokens, int first, CpuRows x)
    {
        _first = first;
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
    protected override void ExecuteRow(int row)
    {
        int entry = _tokens[row] - _first;
        if ((uint)entry < (uint)_table.Entries)
        {
            _table.Format.Widen(_table.Entry(entry), new Span<float>(_x.Row(row), _table.Width));
        }
    }
}
