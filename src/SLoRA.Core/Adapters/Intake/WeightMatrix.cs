using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// One matrix of an adapter in main memory, row-major and dense: A [rank, in], B [out, rank], rows of a weight, or a vector as one row. Its
/// values are finite.
/// </summary>
internal sealed class WeightMatrix
{
    private readonly NativeBlock _memory;
    private readonly long _offset;

    public WeightMatrix(NativeBlock memory, long offset, TensorEntry entry)
    {
        _memory = memory;
        _offset = offset;
        Name = entry.Name;
        Type = entry.Type;
        (Rows, Columns) = entry.Shape.Length == 1
            ? (1, checked((int)entry.Shape[0]))
            : (checked((int)entry.Shape[0]), checked((int)entry.Shape[1]));
    }

    /// <summary>The tensor's name in the file.</summary>
    public string Name { get; }

    /// <summary>The type of the elements.</summary>
    public TensorType Type { get; }

    /// <summary>Rows.</summary>
    public int Rows { get; }

    /// <summary>Columns: elements of a row.</summary>
    public int Columns { get; }

    /// <summary>Bytes of the whole matrix; may be more than a span can hold.</summary>
    public long Length => (long)Rows * RowBytes;

    /// <summary>The bits without sign of the element of the largest magnitude.</summary>
    public uint LargestBits { get; set; }

    /// <summary>The whole matrix, where it has fewer than 2³¹ bytes.</summary>
    public ReadOnlySpan<byte> Bytes => Part(0, checked((int)Length));

    private int RowBytes => checked(Columns * Type.ElementSize());

    /// <summary>Some rows, of fewer than 2³¹ bytes together.</summary>
    public ReadOnlySpan<byte> RowsFrom(int row, int count) => Part((long)row * RowBytes, checked(count * RowBytes));

    /// <summary>Widens a row to fp32.</summary>
    public void Widen(int row, Span<float> values) => WeightFormat.Of(Type)!.Widen(RowsFrom(row, 1), values);

    /// <summary>All values in fp32; for vectors and other small ones.</summary>
    public float[] Widened()
    {
        var values = new float[checked(Rows * Columns)];
        for (int row = 0; row < Rows; row++)
        {
            Widen(row, values.AsSpan(row * Columns, Columns));
        }

        return values;
    }

    /// <summary>A part by its place in bytes.</summary>
    public Span<byte> Part(long offset, int length) => _memory.Slice(_offset + offset, length);
}
