namespace SLoRA.Formats.Quantization;

/// <summary>
/// A byte for each weight, <c>w[o, i] = (value[code[o, i]] - z) · scale · factor</c>, with scales and zero points z for rectangles of
/// weights. Those at the lower and right edge are smaller.
/// </summary>
internal sealed class ScaledRows : RowDecoder
{
    private static readonly float[] Integers = [.. Enumerable.Range(0, 256).Select(code => (float)(sbyte)code)];
    private static readonly float[] Fp8 = [.. Enumerable.Range(0, 256).Select(Float8)];

    private readonly float[] _values;
    private readonly byte[] _codes;

    private ScaledRows(float[] values, byte[] codes)
    {
        _values = values;
        _codes = codes;
    }

    /// <summary>Scales, row by row of rectangles.</summary>
    public required float[] Scales { get; init; }

    /// <summary>Zero points, as scales; null for none.</summary>
    public float[]? Zeros { get; init; }

    /// <summary>Outputs of a rectangle.</summary>
    public required int RectangleRows { get; init; }

    /// <summary>Inputs of a rectangle.</summary>
    public required int RectangleColumns { get; init; }

    /// <summary>What each product is multiplied by once more.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Signed integers.</summary>
    public static ScaledRows OfIntegers(byte[] codes, float[] scales, int rows, int columns, float[]? zeros = null, float factor = 1) =>
        new(Integers, codes) { Scales = scales, RectangleRows = rows, RectangleColumns = columns, Zeros = zeros, Factor = factor };

    /// <summary>Floating-point numbers with four bits of exponent and three of fraction (E4M3).</summary>
    public static ScaledRows OfFloats(byte[] codes, float[] scales, int rows, int columns) =>
        new(Fp8, codes) { Scales = scales, RectangleRows = rows, RectangleColumns = columns };

    /// <inheritdoc/>
    public override void Widen(int row, Span<float> values)
    {
        int columns = values.Length, across = (columns + RectangleColumns - 1) / RectangleColumns;
        int first = row / RectangleRows * across;
        ReadOnlySpan<byte> codes = _codes.AsSpan(row * columns, columns);
        for (int i = 0; i < columns; i++)
        {
            int at = first + (i / RectangleColumns);
            float value = _values[codes[i]];
            value = Zeros is null ? value * Scales[at] : (value - Zeros[at]) * Scales[at];
            values[i] = value * Factor;
        }
    }

    // Exponent 0 is subnormal, and all ones is NaN: there is no infinity.
    private static float Float8(int code)
    {
        int exponent = code >> 3 & 15, fraction = code & 7;
        float magnitude = (code & 0x7F) == 0x7F ? float.NaN
            : exponent == 0 ? fraction / 512f
            : (8 + fraction) * MathF.Pow(2, exponent - 10);
        return code < 128 ? magnitude : -magnitude;
    }
}
