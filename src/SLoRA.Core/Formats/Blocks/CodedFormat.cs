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
/// All weights of a model are read through codes and scales when it is loaded, so formats read them with vectors, of 128 bits, which every
/// processor has, and are compiled for speed at once.
/// </remarks>
/// <param name="name">What GGUF calls it.</param>
/// <param name="elements">Elements of a block.</param>
/// <param name="bytes">Bytes of a block.</param>
/// <param name="halves">Where in a block half-precision numbers lie.</param>
internal abstract unsafe class CodedFormat(string name, int elements, int bytes, params ImmutableArray<int> halves)
    : BlockFormat(name, elements, bytes, halves)
{
    /// <summary>Elements of a group.</summary>
    public abstract int GroupElements { get; }

    /// <summary>The code that stands for zero; 0 in formats with minimums.</summary>
    public abstract int Zero { get; }

    /// <summary>Gives the codes of some blocks, in the order of their elements.</summary>
    /// <param name="blocks">Whole blocks; any alignment.</param>
    /// <param name="codes">As many as they have elements.</param>
    public void ReadCodes(ReadOnlySpan<byte> blocks, Span<byte> codes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Length, BytesOf(codes.Length), nameof(blocks));
        fixed (byte* from = blocks, to = codes)
        {
            ReadCodes(from, codes.Length / BlockElements, to);
        }
    }

    /// <summary>Gives the scales of all groups of some blocks.</summary>
    /// <param name="blocks">Whole blocks; any alignment.</param>
    /// <param name="scales">As many as they have groups.</param>
    public void ReadScales(ReadOnlySpan<byte> blocks, Span<GroupScale> scales)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Length, BytesOf((long)scales.Length * GroupElements), nameof(blocks));
        fixed (byte* from = blocks)
        fixed (GroupScale* to = scales)
        {
            ReadScales(from, blocks.Length / BlockBytes, to);
        }
    }

    /// <summary>Gives the scale of a group of a block.</summary>
    public GroupScale ReadScale(ReadOnlySpan<byte> block, int group)
    {
        Span<GroupScale> scales = stackalloc GroupScale[BlockElements / GroupElements];
        ReadScales(block[..BlockBytes], scales);
        return scales[group];
    }

    /// <summary>Gives the codes of some blocks.</summary>
    /// <param name="blocks">The first block.</param>
    /// <param name="count">Blocks.</param>
    /// <param name="codes">A byte for each of their elements.</param>
    public abstract void ReadCodes(byte* blocks, int count, byte* codes);

    /// <summary>Gives the scales of all groups of some blocks.</summary>
    /// <param name="blocks">The first block.</param>
    /// <param name="count">Blocks.</param>
    /// <param name="scales">One for each of their groups.</param>
    public abstract void ReadScales(byte* blocks, int count, GroupScale* scales);

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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static Half HalfAt(byte* bytes) => BinaryPrimitives.ReadHalfLittleEndian(new ReadOnlySpan<byte>(bytes, sizeof(ushort)));

    /// <summary>A bit of codes that is kept apart: <paramref name="bit"/> in each byte that has all bits of its mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static Vector128<byte> Bits(Vector128<byte> bytes, Vector128<byte> masks, byte bit) =>
        Vector128.Equals(bytes & masks, masks) & Vector128.Create(bit);
}
