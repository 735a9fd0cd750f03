namespace SLoRA.Backends.Cpu;

/// <summary>Rows from some row on: row i begins at <c>data + i · stride</c>.</summary>
/// <param name="data">The first row.</param>
/// <param name="stride">Elements from one row to the next.</param>
internal readonly unsafe struct RowSpan(float* data, nint stride)
{
    /// <summary>Elements from one row to the next.</summary>
    public nint Stride => stride;

    /// <summary>All rows.</summary>
    public static implicit operator RowSpan(CpuRows rows) => new(rows.Data, rows.Stride);

    /// <summary>A row.</summary>
    public float* Row(int index) => data + (index * stride);

    /// <summary>The rows from one on.</summary>
    public RowSpan From(int row) => new(Row(row), stride);
}

/// <summary>Quantized rows from some row on.</summary>
/// <param name="integers">The integers of the first row, two to a word.</param>
/// <param name="stride">Words from one row to the next.</param>
/// <param name="scales">The scales of the first row.</param>
/// <param name="scaleStride">Scales from one row to the next.</param>
/// <param name="sums">The sums of the first row.</param>
/// <param name="bytes">The integers of the first row as bytes.</param>
/// <param name="byteStride">Words of bytes from one row to the next.</param>
/// <param name="isNarrow">Whether integers have 8 bits.</param>
internal readonly unsafe struct QuantizedSpan(
    int* integers, nint stride, float* scales, nint scaleStride, int* sums, int* bytes, nint byteStride, bool isNarrow)
{
    /// <summary>Words from one row to the next.</summary>
    public nint Stride => stride;

    /// <summary>Scales from one row to the next.</summary>
    public nint ScaleStride => scaleStride;

    /// <summary>All rows; null stands for none.</summary>
    public static implicit operator QuantizedSpan(QuantizedRows? rows) =>
        rows is null
            ? default
            : new QuantizedSpan(
                rows.Row(0), rows.Stride, rows.Scales(0), rows.ScaleStride, rows.Sums(0), rows.Bytes(0), rows.ByteStride, rows.IsNarrow);

    /// <summary>A row: two 16-bit integers per element.</summary>
    public int* Row(int index) => integers + (index * stride);

    /// <summary>The integers of a row as bytes, in the order of <see cref="QuantizedRows.Bytes"/>.</summary>
    public int* Bytes(int index) => bytes + (index * byteStride);

    /// <summary>From the bytes of one row to those of the next, in words.</summary>
    public nint ByteStride => byteStride;

    /// <summary>Whether integers have 8 bits, so that a byte is all of one.</summary>
    public bool IsNarrow => isNarrow;

    /// <summary>The scales of a row, one per group.</summary>
    public float* Scales(int index) => scales + (index * scaleStride);

    /// <summary>The sum of the integers of each group of a row.</summary>
    public int* Sums(int index) => sums + (index * 2 * scaleStride);

    /// <summary>The same times the scale of the group.</summary>
    public float* Offsets(int index) => (float*)Sums(index) + scaleStride;

    /// <summary>The rows from one on.</summary>
    public QuantizedSpan From(int row) => new(Row(row), stride, Scales(row), scaleStride, Sums(row), Bytes(row), byteStride, isNarrow);
}
