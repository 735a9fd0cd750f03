using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// A format of GGUF files: blocks of many elements, each with its scales and integers. Products and sums are taken in fp32 in the order
/// in which ggml takes them, so that values are equal to its own bit by bit.
/// </summary>
/// <param name="name">What GGUF calls it.</param>
/// <param name="elements">Elements of a block.</param>
/// <param name="bytes">Bytes of a block.</param>
/// <param name="halves">Where in a block half-precision numbers lie.</param>
internal abstract class BlockFormat(string name, int elements, int bytes, params ImmutableArray<int> halves)
    : WeightFormat(name, elements, bytes)
{
    private const int NoNumber = 0x7C00;

    /// <inheritdoc/>
    public sealed override void Widen(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Length, BytesOf(values.Length), nameof(blocks));
        for (; !values.IsEmpty; blocks = blocks[BlockBytes..], values = values[BlockElements..])
        {
            WidenBlock(blocks[..BlockBytes], values[..BlockElements]);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Compiled for speed at once, as all blocks of a file are looked at when it is loaded.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override long FirstNotFinite(ReadOnlySpan<byte> blocks)
    {
        for (int at = 0; at < blocks.Length; at += BlockBytes)
        {
            if (!IsFinite(blocks.Slice(at, BlockBytes)))
            {
                return (long)at / BlockBytes * BlockElements;
            }
        }

        return -1;
    }

    /// <summary>Whether the scales of a block are numbers, and so all of its values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected virtual bool IsFinite(ReadOnlySpan<byte> block)
    {
        foreach (int at in halves)
        {
            if ((BinaryPrimitives.ReadUInt16LittleEndian(block[at..]) & NoNumber) == NoNumber)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Gives the values of one block.</summary>
    protected abstract void WidenBlock(ReadOnlySpan<byte> block, Span<float> values);

    /// <summary>A half-precision number.</summary>
    protected static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
