using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The base weights in main memory: matrices packed for products as <see cref="CpuFormats"/> says, embedding tables as stored, vectors
/// widened.
/// </summary>
/// <param name="threads">Who packs.</param>
/// <param name="kept">How matrices are kept.</param>
/// <param name="precision">Whether weights of few bits may be computed with integers.</param>
internal sealed unsafe class PackedWeights(ComputeThreads threads, CpuWeights kept, CpuPrecision precision) : IDisposable
{
    private readonly WeightMemory _memory = new();
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <summary>Where packed weights are unpacked in a step.</summary>
    public UnpackSpaces Space { get; } = new(threads.Count);

    /// <summary>How many matrices of which format are kept how, for people.</summary>
    public string Description => string.Join(", ", _counts.Select(pair => $"{pair.Value} {pair.Key}"));

    /// <summary>Packs a matrix <c>[outputs, inputs]</c>.</summary>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public CpuMatrix Matrix(WeightSource source)
    {
        CpuFormat format = CpuFormats.Of(source, kept, precision);
        byte* memory = _memory.Take(CpuMatrix.BytesFor(source.Rows, source.Columns, format.Packing));
        var matrix = new CpuMatrix(source.Rows, source.Columns, format.Packing, memory);
        int parts = Math.Min(matrix.Panels, 8 * threads.Count);
        threads.Run(format.Pack(source, matrix, parts), parts);
        Space.Reserve(format.Packing.UnpackedBytes(source.Columns));
        string description = $"{source.Format.Name} {format.Kept}";
        _counts[description] = _counts.GetValueOrDefault(description) + 1;
        return matrix;
    }

    /// <summary>Keeps an embedding table: where the checkpoint has it, or a copy if that memory does not stay.</summary>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public CpuTable Table(WeightSource source)
    {
        if (source.Stays)
        {
            return new CpuTable(source);
        }

        byte* copy = _memory.Take(source.Bytes);
        Buffer.MemoryCopy((void*)source.Data, copy, source.Bytes, source.Bytes);
        return new CpuTable(source with { Data = (nint)copy });
    }

    /// <summary>Widens a vector.</summary>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public CpuVector Vector(WeightSource source)
    {
        float[] values = source.Widened();
        byte* memory = _memory.Take((values.Length + Lanes.Count) * sizeof(float));
        values.CopyTo(new Span<float>(memory, values.Length));
        return new CpuVector(values.Length, (float*)memory, source.Target)
        {
            Heads = source.Partition is { Splits: [Split heads] } ? heads : null,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        Space.Dispose();
    }
}
