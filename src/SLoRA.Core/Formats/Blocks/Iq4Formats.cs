using System.Buffers.Binary;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// The sixteen values, not evenly spaced, that codes of <see cref="Iq4NlFormat"/> and <see cref="Iq4XsFormat"/> stand for.
/// </summary>
internal static class Iq4Values
{
    /// <summary>The value of a code.</summary>
    public static ReadOnlySpan<sbyte> Of => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Widens 32 elements: 16 bytes, byte i with the codes of elements i and i + 16.</summary>
    public static void Widen(ReadOnlySpan<byte> nibbles, float scale, Span<float> values)
    {
        for (int i = 0; i < 16; i++)
        {
            values[i] = scale * Of[nibbles[i] & 15];
            values[i + 16] = scale * Of[nibbles[i] >> 4];
        }
    }
}

/// <summary>IQ4_NL: 32 elements, <c>d · value(q)</c>.</summary>
internal sealed class Iq4NlFormat() : BlockFormat("IQ4_NL", 32, 18, 0)
{
    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values) => Iq4Values.Widen(block[2..], Half(block), values);
}

/// <summary>
/// IQ4_XS: 256 elements, <c>(d · (s - 32)) value(q)</c> with a scale s of six bits for 32 elements. d, the upper two bits of the scales,
/// their lower four bits, 128 bytes of codes.
/// </summary>
internal sealed class Iq4XsFormat() : BlockFormat("IQ4_XS", 256, 136, 0)
{
    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        int high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int group = 0; group < 8; group++)
        {
            int s = (block[4 + (group / 2)] >> (4 * (group % 2)) & 15) | ((high >> (2 * group) & 3) << 4);
            Iq4Values.Widen(block.Slice(8 + (16 * group), 16), d * (s - 32), values.Slice(32 * group, 32));
        }
    }
}
