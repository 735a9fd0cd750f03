namespace SLoRA.Backends.Cpu;

/// <summary>
/// Activations as 16-bit integers with a scale per row and group of 64, for the product with int8 weights. Like <see cref="CpuRows"/> it
/// has rows behind the last that a block of rows may touch. One product after another uses the same memory.
/// </summary>
internal sealed unsafe class QuantizedRows(int rowLimit) : IDisposable
{
    private AlignedMemory _integers = new(0);
    private AlignedMemory _scales = new(0);

    /// <summary>Pairs of inputs from one row to the next.</summary>
    public nint Stride { get; private set; }

    /// <summary>Scales from one row to the next.</summary>
    public nint ScaleStride { get; private set; }

    /// <summary>A row: two 16-bit integers per element.</summary>
    public int* Row(int index) => (int*)_integers.Address + (index * Stride);

    /// <summary>The scales of a row, one per group.</summary>
    public float* Scales(int index) => _scales.Floats + (index * ScaleStride);

    /// <summary>Makes room for rows of so many inputs; what was there is lost.</summary>
    public void Resize(int inputs)
    {
        int groups = Int8Layout.Groups(inputs);
        ScaleStride = groups;
        Stride = (nint)groups * Int8Layout.GroupPairs;
        if (Stride % 1024 == 0)
        {
            // Rows a multiple of 4 KiB apart would all fall into the same cache sets.
            Stride += Lanes.Count;
        }

        int rows = rowLimit + CpuRows.SpareRows;
        Grow(ref _integers, rows * Stride * sizeof(int));
        Grow(ref _scales, rows * ScaleStride * sizeof(float));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _integers.Dispose();
        _scales.Dispose();
    }

    private static void Grow(ref AlignedMemory memory, long bytes)
    {
        if (memory.Bytes < bytes)
        {
            memory.Dispose();
            memory = new AlignedMemory(bytes);
        }
    }
}
