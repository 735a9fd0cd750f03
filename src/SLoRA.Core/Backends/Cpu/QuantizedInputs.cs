namespace SLoRA.Backends.Cpu;

/// <summary>The activations of one product as integers, in the groups that its parts ask for: parts may be of several formats.</summary>
/// <param name="rowLimit">The most rows.</param>
/// <param name="isNarrow">Whether integers have 8 bits in place of 16.</param>
internal sealed class QuantizedInputs(int rowLimit, bool isNarrow = false) : IDisposable
{
    private readonly QuantizedRows[] _all =
    [
        new QuantizedRows<Groups64>(rowLimit, isNarrow), new QuantizedRows<Groups32>(rowLimit, isNarrow),
        new QuantizedRows<Groups16>(rowLimit, isNarrow),
    ];

    private int _rowLimit = rowLimit;
    private readonly QuantizedRows[] _wanted = new QuantizedRows[3];
    private int _count;

    /// <summary>Those that the present product needs, with room for its rows.</summary>
    public ReadOnlySpan<QuantizedRows> Wanted => _wanted.AsSpan(0, _count);

    /// <summary>Finds out what a product needs: nothing where all of its weights are floating-point numbers.</summary>
    public void Prepare(LinearGroup group)
    {
        _count = 0;
        foreach (QuantizedRows rows in _all)
        {
            bool isWanted = false, withSums = false;
            foreach (LinearPart part in group.Parts)
            {
                PanelPacking packing = ((CpuMatrix)part.Weight).Packing;
                isWanted |= packing.GroupInputs == rows.GroupInputs;
                withSums |= packing.GroupInputs == rows.GroupInputs && packing.NeedsSums;
            }

            Add(rows, isWanted, withSums, group.Inputs);
        }
    }

    /// <summary>The same for a product of experts.</summary>
    public void Prepare(CpuExperts experts)
    {
        _count = 0;
        foreach (QuantizedRows rows in _all)
        {
            Add(rows, experts.Reads(rows.GroupInputs), experts.ReadsSums(rows.GroupInputs), experts.Inputs);
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

    /// <summary>Makes sure that so many rows have room.</summary>
    public void Reserve(int rows)
    {
        if (rows <= _rowLimit)
        {
            return;
        }

        _rowLimit = rows;
        foreach (QuantizedRows all in _all)
        {
            all.RowLimit = rows;
        }
    }

    private void Add(QuantizedRows rows, bool isWanted, bool withSums, int inputs)
    {
        if (isWanted)
        {
            // Products of bytes take unsigned weights, and subtract what that adds.
            rows.WithSums = withSums || isNarrow;
            rows.Resize(inputs);
            _wanted[_count++] = rows;
        }
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
