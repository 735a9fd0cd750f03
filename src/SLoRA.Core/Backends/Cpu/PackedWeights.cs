using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The base weights in main memory: matrices packed for products as <see cref="CpuFormats"/> says, embedding tables as stored, vectors
/// widened.
/// </summary>
/// <param name="threads">Who packs.</param>
/// <param name="kept">How matrices are kept.</param>
internal sealed unsafe class PackedWeights(ComputeThreads threads, CpuWeights kept) : IDisposable
{
    private readonly WeightMemory _memory = new();

    /// <summary>Packs a matrix <c>[outputs, inputs]</c>.</summary>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public CpuMatrix Matrix(WeightSource source)
    {
        CpuFormat format = CpuFormats.Of(source, kept);
        byte* memory = _memory.Take(CpuMatrix.BytesFor(source.Rows, source.Columns, format.Packing));
        var matrix = new CpuMatrix(source.Rows, source.Columns, format.Packing, memory);
        int parts = Math.Min(matrix.Panels, 8 * threads.Count);
        threads.Run(format.Pack(source, matrix, parts), parts);
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
    public void Dispose() => _memory.Dispose();
}
