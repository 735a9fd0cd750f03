namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes the rows of an activation into what the present product needs of <see cref="QuantizedInputs"/>.</summary>
internal sealed unsafe class QuantizeJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private QuantizedInputs _quantized = null!;

    /// <summary>Sets the next rows and says in how many parts they come; 0 if nothing is to be quantized.</summary>
    public int Prepare(CpuRows x, QuantizedInputs quantized, int rows)
    {
        _x = x;
        _quantized = quantized;
        return quantized.Wanted.IsEmpty ? 0 : Prepare(rows, 2 * quantized.Wanted.Length * x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        foreach (QuantizedRows rows in _quantized.Wanted)
        {
            rows.Quantize(row, _x.Row(row), _x.Width);
        }
    }
}
