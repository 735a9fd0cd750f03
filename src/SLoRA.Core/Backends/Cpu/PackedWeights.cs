using SLoRA.Backends.Cpu.Images;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The base weights in main memory: matrices packed for products as <see cref="CpuFormats"/> says, embedding tables as stored, vectors
/// widened.
/// </summary>
/// <param name="threads">Who packs.</param>
/// <param name="kept">How matrices are kept.</param>
/// <param name="precision">Whether weights of few bits may be computed with integers.</param>
/// <param name="place">Where they are kept in a file; null for nowhere.</param>
internal sealed unsafe class PackedWeights(ComputeThreads threads, CpuWeights kept, CpuPrecision precision, ImagePlace? place = null)
    : IDisposable
{
    private readonly WeightMemory _memory = new();
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private PackedImage? _image;

    /// <summary>Where packed weights are unpacked in a step.</summary>
    public UnpackSpaces Space { get; } = new(threads.Count);

    /// <summary>How many matrices of which format are kept how, for people.</summary>
    public string Description => string.Join(", ", _counts.Select(pair => $"{pair.Value} {pair.Key}"));

    /// <summary>Looks for an image of the weights, if they are kept in one.</summary>
    /// <returns>Whether there is one, so that no weight will be looked at.</returns>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public bool Find(ModelFiles files)
    {
        _image = place?.Find(files, kept, precision, (parts, part) => threads.Run(new PartsJob(part), parts));
        return _image is { IsUsable: true };
    }

    /// <summary>All weights are loaded.</summary>
    /// <returns>What became of the image; null where there is to be none.</returns>
    public PackedImageStatus? Complete() => _image?.Complete();

    /// <summary>A matrix <c>[outputs, inputs]</c>: out of the image, or packed.</summary>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public CpuMatrix Matrix(WeightSource source)
    {
        CpuMatrix matrix = Found(source, out CpuFormat format) ?? Pack(source, out format);
        _image?.Add(source, false, CpuMatrix.BytesFor(source.Rows, source.Columns, format.Packing), matrix.Data);
        Space.Reserve(format.Packing.UnpackedBytes(source.Columns));
        string description = $"{source.Format.Name} {format.Kept}";
        _counts[description] = _counts.GetValueOrDefault(description) + 1;
        return matrix;
    }

    /// <summary>Keeps an embedding table: where the checkpoint has it, or a copy if that memory does not stay.</summary>
    /// <exception cref="MemoryException">The process cannot have the memory.</exception>
    public CpuTable Table(WeightSource source)
    {
        long bytes = 0;
        byte* data = _image is null ? null : _image.Next(source, true, out bytes);
        if (data is not null && bytes != source.Bytes)
        {
            _image!.Refuse(source);
            data = null;
        }

        if (data is null)
        {
            data = source.Stays ? (byte*)source.Data : Copied(source);
        }

        _image?.Add(source, true, source.Bytes, data);
        return new CpuTable(source.At((nint)data));
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
        _image?.Dispose();
        Space.Dispose();
    }

    private CpuMatrix? Found(WeightSource source, out CpuFormat format)
    {
        format = null!;
        long bytes = 0;
        byte* data = _image is null ? null : _image.Next(source, false, out bytes);
        if (data is null)
        {
            return null;
        }

        // Which of two forms a matrix of half precision has follows from its weights, and is told by its bytes.
        format = CpuFormats.Of(source, kept, precision, asHalves => BytesOf(asHalves) == bytes);
        if (BytesOf(format) != bytes)
        {
            _image!.Refuse(source);
            return null;
        }

        return new CpuMatrix(source.Rows, source.Columns, format.Packing, data);

        long BytesOf(CpuFormat of) => CpuMatrix.BytesFor(source.Rows, source.Columns, of.Packing);
    }

    private CpuMatrix Pack(WeightSource source, out CpuFormat format)
    {
        source = source.InMemory();
        format = CpuFormats.Of(source, kept, precision);
        byte* memory = _memory.Take(CpuMatrix.BytesFor(source.Rows, source.Columns, format.Packing));
        var matrix = new CpuMatrix(source.Rows, source.Columns, format.Packing, memory);
        int parts = Math.Min(matrix.Panels, 8 * threads.Count);
        threads.Run(format.Pack(source, matrix, parts), parts);
        return matrix;
    }

    private byte* Copied(WeightSource source)
    {
        byte* copy = _memory.Take(source.Bytes);
        Buffer.MemoryCopy((void*)source.Data, copy, source.Bytes, source.Bytes);
        return copy;
    }
}
