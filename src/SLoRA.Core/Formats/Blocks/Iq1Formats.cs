using System.Buffers.Binary;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// What IQ1_S and IQ1_M have in common: eight elements are <c>scale · (row + delta)</c> for one row of <see cref="CodeBook.One"/>.
/// </summary>
internal static class Iq1Row
{
    private const float Delta = 0.125f;

    /// <summary>Widens eight elements.</summary>
    /// <param name="code">The row.</param>
    /// <param name="scale">What multiplies them.</param>
    /// <param name="isBelow">Whether delta is subtracted.</param>
    /// <param name="values">The eight.</param>
    public static void Widen(int code, float scale, bool isBelow, Span<float> values)
    {
        float delta = isBelow ? -Delta : Delta;
        ReadOnlySpan<sbyte> row = CodeBook.One[code];
        for (int i = 0; i < row.Length; i++)
        {
            values[i] = scale * (row[i] + delta);
        }
    }
}

/// <summary>
/// IQ1_S: 256 elements. d, 32 bytes with the lower eight bits of the codes, and for 32 elements a word of 16 bits: three more bits for each
/// of four codes, a scale s of three bits (<c>d · (2 s + 1)</c>), the sign of delta.
/// </summary>
internal sealed class Iq1SFormat() : BlockFormat("IQ1_S", 256, 50, 0)
{
    private const int CodesAt = 2;
    private const int WordsAt = 34;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        for (int row = 0; row < 32; row++)
        {
            int word = BinaryPrimitives.ReadUInt16LittleEndian(block[(WordsAt + (2 * (row / 4)))..]);
            float scale = d * ((2 * (word >> 12 & 7)) + 1);
            int code = block[CodesAt + row] | ((word >> (3 * (row % 4)) & 7) << 8);
            Iq1Row.Widen(code, scale, (word & 0x8000) != 0, values.Slice(8 * row, 8));
        }
    }
}

/// <summary>
/// IQ1_M: 256 elements. 32 bytes with the lower bits of the codes, 16 with four bits for each code (three more of it, the sign of delta),
/// four words of 16 bits: twelve with scales of three bits for 16 elements each, and in the upper four of all words a quarter of d.
/// </summary>
internal sealed class Iq1MFormat() : BlockFormat("IQ1_M", 256, 56)
{
    private const int HighAt = 32;
    private const int ScalesAt = 48;

    /// <inheritdoc/>
    protected override bool IsFinite(ReadOnlySpan<byte> block) => float.IsFinite(Scale(block));

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Scale(block);
        for (int row = 0; row < 32; row++)
        {
            int high = block[HighAt + (row / 2)] >> (4 * (row % 2));
            int group = row / 2;
            float scale = d * ((2 * (Word(block, group / 4) >> (3 * (group % 4)) & 7)) + 1);
            Iq1Row.Widen(block[row] | ((high & 7) << 8), scale, (high & 8) != 0, values.Slice(8 * row, 8));
        }
    }

    private static int Word(ReadOnlySpan<byte> block, int word) =>
        BinaryPrimitives.ReadUInt16LittleEndian(block[(ScalesAt + (2 * word))..]);

    private static float Scale(ReadOnlySpan<byte> block)
    {
        int bits = 0;
        for (int word = 0; word < 4; word++)
        {
            bits |= Word(block, word) >> 12 << (4 * word);
        }

        return (float)BitConverter.UInt16BitsToHalf((ushort)bits);
    }
}
