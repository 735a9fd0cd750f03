namespace SLoRA.Backends.Cpu;

/// <summary>The activations of one product as integers, in the groups that its parts ask for: parts may be of several formats.</summary>
internal sealed class QuantizedInputs(int rowLimit) : IDisposable
{
    private readonly QuantizedRows[] _all = [new QuantizedRows<Groups64>(rowLimit), new QuantizedRows<Groups32>(rowLimit)];
    private readonly QuantizedRows[] _wanted = new QuantizedRows[2];
    private int _count;

    /// <summary>Those that the present product needs, with room for its rows.</summary>
    public ReadOnlySpan<QuantizedRows> Wanted => _wanted.AsSpan(0, _count);

    /// <summary>Finds out what a product needs: nothing where all of its weights are floating-point numbers.</summary>
    public void Prepare(LinearGroup group)
    {
        _count = 0;
        foreach (QuantizedRows rows in _all)
        {
            foreach (LinearPart part in group.Parts)
            {
                if (((CpuMatrix)part.Weight).Packing.GroupInputs == rows.GroupInputs)
                {
                    rows.Resize(group.Inputs);
                    _wanted[_count++] = rows;
                    break;
                }
            }
        }
    }

    /// <summary>What a packing reads; null where it reads fp32.</summary>
    public QuantizedRows? For(PanelPacking packing)
    {
        foreach (QuantizedRows rows in Wanted)
        {
            if (rows.GroupInputs == packing.GroupInputs)
            {
                return rows;
            }
        }

        return packing.GroupInputs == 0
            ? null
            : throw new InvalidOperationException($"No activations are quantized in groups of {packing.GroupInputs} inputs.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (QuantizedRows rows in _all)
        {
            rows.Dispose();
        }
    }
}
