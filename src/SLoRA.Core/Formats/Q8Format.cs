using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace SLoRA.Formats;

/// <summary>
/// GGUF's Q8_0: blocks of 32 elements in 34 bytes, a half-precision scale d and 32 signed 8-bit integers q. An element is
/// <c>d · q</c>, one product in fp32.
/// </summary>
internal sealed class Q8Format() : WeightFormat("Q8_0", Elements, ScaleBytes + Elements), IScaledIntegers
{
    /// <summary>Elements of a block.</summary>
    public const int Elements = 32;

    /// <summary>Bytes of the scale, which stands before the integers.</summary>
    public const int ScaleBytes = 2;

    /// <summary>The scale of a block.</summary>
    public static float Scale(ReadOnlySpan<byte> block) => (float)BinaryPrimitives.ReadHalfLittleEndian(block);

    /// <inheritdoc/>
    public override void Widen(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Length, BytesOf(values.Length), nameof(blocks));
        for (; !values.IsEmpty; blocks = blocks[BlockBytes..], values = values[Elements..])
        {
            float scale = Scale(blocks);
            for (int i = 0; i < Elements; i++)
            {
                values[i] = scale * (sbyte)blocks[ScaleBytes + i];
            }
        }
    }

    /// <inheritdoc/>
    public float ReadIntegers(ReadOnlySpan<byte> block, int group, Span<sbyte> integers)
    {
        MemoryMarshal.Cast<byte, sbyte>(block[ScaleBytes..]).CopyTo(integers);
        return Scale(block);
    }

    /// <inheritdoc/>
    public override long FirstNotFinite(ReadOnlySpan<byte> blocks)
    {
        for (int at = 0; at < blocks.Length; at += BlockBytes)
        {
            if (!float.IsFinite(Scale(blocks[at..])))
            {
                return (long)at / BlockBytes * Elements;
            }
        }

        return -1;
    }
}
