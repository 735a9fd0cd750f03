using System.Buffers.Binary;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Formats.Blocks;

/// <summary>
/// What a block of few bits holds, element by element as the formats are defined: the specification that readers with vectors are held to.
/// </summary>
internal static class ScalarBlock
{
    /// <summary>The code of an element.</summary>
    public static int Code(BlockFormat format, ReadOnlySpan<byte> block, int i) => format.Name switch
    {
        "Q4_0" => Nibble(block[2..], i),
        "Q4_1" => Nibble(block[4..], i),
        "Q5_0" => Nibble(block[6..], i) | (Bit(block[2..], i) << 4),
        "Q5_1" => Nibble(block[8..], i) | (Bit(block[4..], i) << 4),
        "Q2_K" => block[16 + (32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3,
        "Q3_K" => (block[32 + (32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3) | ((block[i % 32] >> (i / 32) & 1) << 2),
        "Q4_K" => block[16 + (32 * (i / 64)) + (i % 32)] >> (4 * (i / 32 % 2)) & 15,
        "Q5_K" => (block[48 + (32 * (i / 64)) + (i % 32)] >> (4 * (i / 32 % 2)) & 15) | ((block[16 + (i % 32)] >> (i / 32) & 1) << 4),
        "Q6_K" => (block[(64 * (i / 128)) + (32 * (i / 32 % 2)) + (i % 32)] >> (4 * (i / 64 % 2)) & 15)
            | ((block[128 + (32 * (i / 128)) + (i % 32)] >> (2 * (i / 32 % 4)) & 3) << 4),
        _ => block[3 + (i / 2)] >> (4 * (i % 2)) & 15,
    };

    /// <summary>The scale and the minimum of a group, and its factors of both.</summary>
    public static (ushort Scale, ushort Minimum, int Factor, int MinimumFactor) Scale(
        BlockFormat format, ReadOnlySpan<byte> block, int group)
    {
        return format.Name switch
        {
            "Q4_0" or "Q5_0" => (Half(block, 0), 0, 1, 1),
            "Q4_1" or "Q5_1" => (Half(block, 0), (ushort)(Half(block, 2) ^ 0x8000), 1, 1),
            "Q2_K" => (Half(block, 80), Half(block, 82), block[group] & 15, block[group] >> 4),
            "Q3_K" => (Half(block, 108), 0, ThreeBitsFactor(block[96..], group), 1),
            "Q4_K" or "Q5_K" => (Half(block, 0), Half(block, 2), SixBits(block[4..], group), SixBits(block[4..], group + 8)),
            _ => (Half(block, 208), 0, (sbyte)block[192 + group], 1),
        };

        static ushort Half(ReadOnlySpan<byte> block, int at) => BinaryPrimitives.ReadUInt16LittleEndian(block[at..]);
    }

    private static int Nibble(ReadOnlySpan<byte> nibbles, int i) => i < 16 ? nibbles[i] & 15 : nibbles[i - 16] >> 4;

    private static int Bit(ReadOnlySpan<byte> bits, int i) => bits[i / 8] >> (i % 8) & 1;

    private static int ThreeBitsFactor(ReadOnlySpan<byte> scales, int group)
    {
        int four = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
        return (four | ((scales[8 + (group % 4)] >> (2 * (group / 4)) & 3) << 4)) - 32;
    }

    /// <summary>Scales 0 to 7, minimums 8 to 15.</summary>
    private static int SixBits(ReadOnlySpan<byte> b, int i)
    {
        int j = i % 8;
        return (i < 8, j < 4) switch
        {
            (true, true) => b[j] & 63,
            (false, true) => b[j + 4] & 63,
            (true, false) => (b[j + 4] & 15) | (b[j - 4] >> 6 << 4),
            (false, false) => (b[j + 4] >> 4) | (b[j] >> 6 << 4),
        };
    }
}
