namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes the rows of an activation, group by group; a row's integers and scales depend on that row alone.</summary>
internal sealed unsafe class QuantizeJob(int workers) : RowJob(workers)
{
    private CpuRows _x = null!;
    private QuantizedRows _quantized = null!;

    /// <summary>Sets the next rows and says in how many parts they come.</summary>
    public int Prepare(CpuRows x, QuantizedRows quantized, int rows)
    {
        _x = x;
        _quantized = quantized;
        quantized.Resize(x.Width);
        return Prepare(rows, 2 * x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* x = _x.Row(row);
        var integers = (short*)_quantized.Row(row);
        float* scales = _quantized.Scales(row);
        int whole = _x.Width / Int8Layout.GroupInputs;
        for (int group = 0; group < whole; group++)
        {
            scales[group] = Int8Group.Quantize(x, Int8Layout.ActivationLimit, integers);
            x += Int8Layout.GroupInputs;
            integers += Int8Layout.GroupInputs;
        }

        int left = _x.Width % Int8Layout.GroupInputs;
        if (left > 0)
        {
            float* padded = stackalloc float[Int8Layout.GroupInputs];
            new Span<float>(padded, Int8Layout.GroupInputs).Clear();
            new ReadOnlySpan<float>(x, left).CopyTo(new Span<float>(padded, left));
            scales[whole] = Int8Group.Quantize(padded, Int8Layout.ActivationLimit, integers);
        }
    }
}
