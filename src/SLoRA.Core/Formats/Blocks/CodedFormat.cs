using System.Buffers.Binary;
using System.Collections.Immutable;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// A block format whose elements are unsigned integers on an even scale, in groups of 16 or 32 (<see cref="GroupScale"/>). Devices can
/// compute with the integers and need not widen them first.
/// </summary>
/// <param name="name">What GGUF calls it.</param>
/// <param name="elements">Elements of a block.</param>
/// <param name="bytes">Bytes of a block.</param>
/// <param name="halves">Where in a block half-precision numbers lie.</param>
internal abstract class CodedFormat(string name, int elements, int bytes, params ImmutableArray<int> halves)
    : BlockFormat(name, elements, bytes, halves)
{
    /// <summary>Elements of a group.</summary>
    public abstract int GroupElements { get; }

    /// <summary>The code that stands for zero; 0 in formats with minimums.</summary>
    public abstract int Zero { get; }

    /// <summary>Gives the codes of a block, in the order of its elements.</summary>
    /// <param name="block">The block.</param>
    /// <param name="codes">As many as it has elements.</param>
    public abstract void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes);

    /// <summary>Gives the scale of a group of a block.</summary>
    public abstract GroupScale ReadScale(ReadOnlySpan<byte> block, int group);

    /// <inheritdoc/>
    protected sealed override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[BlockElements];
        ReadCodes(block, codes);
        for (int group = 0; group < BlockElements / GroupElements; group++)
        {
            GroupScale scale = ReadScale(block, group);
            float step = scale.Step, offset = scale.Offset;
            for (int i = group * GroupElements; i < (group + 1) * GroupElements; i++)
            {
                // Without minimums nothing is added: a zero keeps its sign.
                values[i] = Zero == 0 ? (step * codes[i]) + offset : step * (codes[i] - Zero);
            }
        }
    }

    /// <summary>A half-precision number.</summary>
    protected static Half HalfAt(ReadOnlySpan<byte> block, int at) => BinaryPrimitives.ReadHalfLittleEndian(block[at..]);
}
