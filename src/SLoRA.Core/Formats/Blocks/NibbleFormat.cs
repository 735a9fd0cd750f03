using System.Buffers.Binary;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q4_0, Q4_1, Q5_0 and Q5_1: 32 elements, a scale d, with a minimum m or without. 16 bytes hold the lower four bits q, byte i those of
/// element i and, in its upper half, those of element i + 16; in the formats of five bits a word before them holds the fifth. An element is
/// <c>d · q + m</c>, or <c>d · (q - 8)</c> and <c>d · (q - 16)</c> without a minimum.
/// </summary>
/// <param name="bits">4 or 5.</param>
/// <param name="hasMinimum">Whether there is a minimum.</param>
internal sealed class NibbleFormat(int bits, bool hasMinimum) : CodedFormat(
    $"Q{bits}_{(hasMinimum ? 1 : 0)}", Elements, (hasMinimum ? 4 : 2) + (bits == 5 ? sizeof(uint) : 0) + (Elements / 2),
    hasMinimum ? [0, 2] : [0])
{
    private const int Elements = 32;

    /// <inheritdoc/>
    public override int GroupElements => Elements;

    /// <inheritdoc/>
    public override int Zero => hasMinimum ? 0 : 1 << (bits - 1);

    /// <inheritdoc/>
    public override void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        ReadOnlySpan<byte> rest = block[(hasMinimum ? 4 : 2)..];
        uint fifth = bits == 5 ? BinaryPrimitives.ReadUInt32LittleEndian(rest) : 0;
        ReadOnlySpan<byte> nibbles = rest[^(Elements / 2)..];
        for (int i = 0; i < Elements; i++)
        {
            int four = i < Elements / 2 ? nibbles[i] & 15 : nibbles[i - (Elements / 2)] >> 4;
            codes[i] = (byte)(four | ((int)(fifth >> i & 1) << 4));
        }
    }

    /// <inheritdoc/>
    public override GroupScale ReadScale(ReadOnlySpan<byte> block, int group) =>
        new(HalfAt(block, 0), hasMinimum ? -HalfAt(block, 2) : default);
}
