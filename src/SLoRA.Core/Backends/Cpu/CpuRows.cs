namespace SLoRA.Backends.Cpu;

/// <summary>
/// fp32 rows in main memory: row t begins at <c>Data + t · Stride</c>. Kernels work on whole blocks of rows, so up to
/// <see cref="SpareRows"/> rows after the last are computed too and never read.
/// </summary>
internal sealed unsafe class CpuRows : DeviceRows
{
    /// <summary>Rows behind the limit that a block of rows may touch.</summary>
    public const int SpareRows = 16;

    /// <summary>Makes rows.</summary>
    public CpuRows(RowSet rows, int width, int limit, AlignedMemory memory, int copies = 1)
        : base(rows, width, copies)
    {
        Limit = limit;
        Stride = StrideFor(width);
        Data = memory.Floats;
    }

    /// <summary>What says how many there are, for routed rows; else null.</summary>
    public CpuRoutes? Routes { get; init; }

    /// <summary>The most rows that hold results.</summary>
    public int Limit { get; }

    /// <summary>Elements from one row to the next, a multiple of 16.</summary>
    public nint Stride { get; }

    /// <summary>Row 0, on a cache line.</summary>
    public float* Data { get; }

    /// <summary>Bytes that rows of one width need.</summary>
    public static long BytesFor(int width, int limit) => (long)(limit + SpareRows) * StrideFor(width) * sizeof(float);

    /// <summary>A row.</summary>
    public float* Row(int index) => Data + (index * Stride);

    private static nint StrideFor(int width)
    {
        // One more element than the width at least: a product over an odd number of inputs pads its input. Rows a multiple of 4 KiB
        // apart would all fall into the same cache sets.
        nint stride = (width + 16) & ~15;
        return stride % 512 < 16 ? stride + 16 : stride;
    }
}
