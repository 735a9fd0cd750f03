using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// A block format whose elements are unsigned integers on an even scale, in groups of 16 or 32 (<see cref="GroupScale"/>). Devices can
/// compute with the integers and need not widen them first.
/// </summary>
/// <remarks>
/// All weights of a model are read through <see cref="ReadCodes"/> and <see cref="ReadScales"/> when it is loaded, so formats read with
/// vectors, of 128 bits, which every processor has, and are compiled for speed at once.
/// </remarks>
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

    /// <summary>Gives the codes of some blocks, in the order of their elements.</summary>
    /// <param name="blocks">Whole blocks; any alignment.</param>
    /// <param name="codes">As many as they have elements.</param>
    public abstract void ReadCodes(ReadOnlySpan<byte> blocks, Span<byte> codes);

    /// <summary>Gives the scales of all groups of some blocks.</summary>
    /// <param name="blocks">Whole blocks; any alignment.</param>
    /// <param name="scales">As many as they have groups.</param>
    public abstract void ReadScales(ReadOnlySpan<byte> blocks, Span<GroupScale> scales);

    /// <summary>Gives the scale of a group of a block.</summary>
    public GroupScale ReadScale(ReadOnlySpan<byte> block, int group)
    {
        Span<GroupScale> scales = stackalloc GroupScale[BlockElements / GroupElements];
        ReadScales(block[..BlockBytes], scales);
        return scales[group];
    }

    /// <inheritdoc/>
    protected sealed override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[BlockElements];
        Span<GroupScale> scales = stackalloc GroupScale[BlockElements / GroupElements];
        ReadCodes(block, codes);
        ReadScales(block, scales);
        for (int group = 0; group < scales.Length; group++)
        {
            float step = scales[group].Step, offset = scales[group].Offset;
            for (int i = group * GroupElements; i < (group + 1) * GroupElements; i++)
            {
                // Without minimums nothing is added: a zero keeps its sign.
                values[i] = Zero == 0 ? (step * codes[i]) + offset : step * (codes[i] - Zero);
            }
        }
    }

    /// <summary>A half-precision number.</summary>
    protected static Half HalfAt(ReadOnlySpan<byte> block, int at) => BinaryPrimitives.ReadHalfLittleEndian(block[at..]);

    /// <summary>A bit of codes that is kept apart: <paramref name="bit"/> in each byte that has all bits of its mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static Vector128<byte> Bits(Vector128<byte> bytes, Vector128<byte> masks, byte bit) =>
        Vector128.Equals(bytes & masks, masks) & Vector128.Create(bit);
}
