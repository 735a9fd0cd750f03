using System.Collections.Immutable;

namespace SLoRA.Formats;

/// <summary>
/// How the weights of a model lie in memory: every row is a whole number of blocks, every block is so many elements in so many bytes, and
/// each element has one value in fp32. Element types are formats with one element per block. What a checkpoint spreads over several
/// tensors, codes in one and scales in another, its reader lays side by side in blocks.
/// </summary>
/// <remarks>
/// A format is declared here once, with its layout and its widening. Every device has one table that says what it makes of a format
/// (<c>CpuFormats</c>, <c>GpuFormats</c>); the Reference backend widens.
/// </remarks>
internal abstract class WeightFormat
{
    /// <summary>Describes a format.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="blockElements">Elements of a block.</param>
    /// <param name="blockBytes">Bytes of a block.</param>
    protected WeightFormat(string name, int blockElements, int blockBytes)
    {
        Name = name;
        BlockElements = blockElements;
        BlockBytes = blockBytes;
    }

    /// <summary>fp32.</summary>
    public static PlainFormat F32 { get; } = new(TensorType.F32);

    /// <summary>IEEE half precision.</summary>
    public static PlainFormat F16 { get; } = new(TensorType.F16);

    /// <summary>bfloat16: the upper half of fp32.</summary>
    public static PlainFormat BF16 { get; } = new(TensorType.BF16);

    /// <summary>Blocks of 32 8-bit integers and their half-precision scale.</summary>
    public static Q8Format Q8_0 { get; } = new();

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>Elements of a block.</summary>
    public int BlockElements { get; }

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>The format of weights that a tensor file says are of an element type; null if it is not one for weights.</summary>
    public static PlainFormat? Of(TensorType type) => type switch
    {
        TensorType.F32 => F32,
        TensorType.F16 => F16,
        TensorType.BF16 => BF16,
        TensorType.F64 or TensorType.C64 => null,
        TensorType.F8E4M3 or TensorType.F8E5M2 or TensorType.F8E8M0 or TensorType.F8E4M3Fnuz or TensorType.F8E5M2Fnuz => null,
        TensorType.F6E2M3 or TensorType.F6E3M2 or TensorType.F4 => null,
        TensorType.I64 or TensorType.I32 or TensorType.I16 or TensorType.I8 => null,
        TensorType.U64 or TensorType.U32 or TensorType.U16 or TensorType.U8 or TensorType.Bool => null,
        _ => throw UnservedType.Error(type),
    };

    /// <summary>Bytes of so many elements: whole blocks.</summary>
    public long BytesOf(long elements) => elements % BlockElements == 0
        ? elements / BlockElements * BlockBytes
        : throw new ArgumentOutOfRangeException(nameof(elements), elements, $"{Name} comes in blocks of {BlockElements} elements.");

    /// <summary>Checks that rows of a tensor are whole blocks.</summary>
    /// <param name="file">The file, for the error.</param>
    /// <param name="tensor">The tensor, for the error.</param>
    /// <param name="shape">Its dimensions, outermost first.</param>
    /// <exception cref="FormatError">They are not; kind <see cref="LoadErrorKind.Tensor"/>.</exception>
    public void CheckRows(string file, string tensor, ImmutableArray<long> shape)
    {
        long columns = shape.IsEmpty ? 1 : shape[^1];
        if (columns % BlockElements != 0)
        {
            throw new FormatError(
                LoadErrorKind.Tensor, file, tensor,
                $"has rows of {columns} elements, which are no whole number of blocks: {Name} has {BlockElements} elements in a block");
        }
    }

    /// <summary>Widens whole blocks to fp32, exactly as the format defines its values.</summary>
    /// <param name="blocks">As many bytes as <see cref="BytesOf"/> says; any alignment.</param>
    /// <param name="values">Filled to its end.</param>
    public abstract void Widen(ReadOnlySpan<byte> blocks, Span<float> values);

    /// <summary>
    /// The first element that is NaN or infinite, or of the first block whose scale is; -1 where there is none.
    /// </summary>
    /// <param name="blocks">Whole blocks; any alignment.</param>
    public abstract long FirstNotFinite(ReadOnlySpan<byte> blocks);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
