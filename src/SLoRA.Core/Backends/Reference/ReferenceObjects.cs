using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>Rows as one array per row.</summary>
internal sealed class ReferenceRows : DeviceRows
{
    public ReferenceRows(RowSet rows, int width, int rowLimit, int copies = 1)
        : base(rows, width, copies)
    {
        Values = new float[rowLimit][];
        for (int i = 0; i < rowLimit; i++)
        {
            Values[i] = new float[width];
        }
    }

    /// <summary>One array per row.</summary>
    public float[][] Values { get; }
}

/// <summary>A base weight widened to fp32, row-major.</summary>
internal sealed class ReferenceMatrix(int outputs, int inputs, float[] values) : DeviceMatrix(outputs, inputs)
{
    /// <summary>Row <paramref name="output"/> of the matrix.</summary>
    public ReadOnlySpan<float> Row(int output) => values.AsSpan(output * Inputs, Inputs);
}

/// <summary>An embedding table widened to fp32.</summary>
internal sealed class ReferenceTable(int entries, int width, float[] values) : DeviceTable(entries, width)
{
    /// <summary>The embedding of one token.</summary>
    public ReadOnlySpan<float> Row(int token) => values.AsSpan(token * Width, Width);
}

/// <summary>A vector widened to fp32.</summary>
internal sealed class ReferenceVector(float[] values, int target) : DeviceVector(values.Length, target)
{
    /// <summary>The elements.</summary>
    public float[] Values { get; } = values;
}

/// <summary>A rotary embedding; angles are computed where they are used.</summary>
internal sealed class ReferenceRope(RopeDescription description) : DeviceRope
{
    /// <summary>Its frequencies.</summary>
    public RopeDescription Description { get; } = description;
}
