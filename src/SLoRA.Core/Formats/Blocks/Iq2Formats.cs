using System.Buffers.Binary;

namespace SLoRA.Formats.Blocks;

/// <summary>The scale of the IQ2 formats: <c>d · (½ + s) · ¼</c> with a scale s of four bits.</summary>
internal static class Iq2Scale
{
    /// <summary>The scale.</summary>
    public static float Of(float d, int s) => d * (0.5f + s) * 0.25f;
}

/// <summary>
/// IQ2_XXS: 256 elements. d, then for 32 elements two words of 32 bits: four codes of eight bits; four times seven bits of signs, and the
/// scale.
/// </summary>
internal sealed class Iq2XxsFormat() : BlockFormat("IQ2_XXS", 256, 66, 0)
{
    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        for (int group = 0; group < 8; group++)
        {
            ReadOnlySpan<byte> codes = block.Slice(2 + (8 * group), 8);
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(codes[4..]);
            float scale = Iq2Scale.Of(d, (int)(word >> 28));
            for (int row = 0; row < 4; row++)
            {
                CodeBook.TwoXxs.Write(
                    codes[row], scale, CodeBook.EvenSigns(word >> (7 * row)), values.Slice((32 * group) + (8 * row), 8));
            }
        }
    }
}

/// <summary>
/// IQ2_XS: 256 elements. d, 32 words of 16 bits with a code of nine and signs of seven for eight elements each, 8 bytes of scales for 16
/// elements each.
/// </summary>
internal sealed class Iq2XsFormat() : BlockFormat("IQ2_XS", 256, 74, 0)
{
    private const int CodesAt = 2;
    private const int ScalesAt = 66;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        for (int row = 0; row < 32; row++)
        {
            int word = BinaryPrimitives.ReadUInt16LittleEndian(block[(CodesAt + (2 * row))..]);
            float scale = Iq2Scale.Of(d, block[ScalesAt + (row / 4)] >> (4 * (row / 2 % 2)) & 15);
            CodeBook.TwoXs.Write(word & 511, scale, CodeBook.EvenSigns((uint)word >> 9), values.Slice(8 * row, 8));
        }
    }
}

/// <summary>
/// IQ2_S: 256 elements. d, 32 bytes with the lower bits of a code for eight elements each, 32 of their signs, 8 with two more bits of four
/// codes each, 8 of scales for 16 elements each.
/// </summary>
internal sealed class Iq2SFormat() : BlockFormat("IQ2_S", 256, 82, 0)
{
    private const int CodesAt = 2;
    private const int SignsAt = 34;
    private const int HighAt = 66;
    private const int ScalesAt = 74;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        for (int row = 0; row < 32; row++)
        {
            int code = block[CodesAt + row] | ((block[HighAt + (row / 4)] >> (2 * (row % 4)) & 3) << 8);
            float scale = Iq2Scale.Of(d, block[ScalesAt + (row / 4)] >> (4 * (row / 2 % 2)) & 15);
            CodeBook.TwoS.Write(code, scale, block[SignsAt + row], values.Slice(8 * row, 8));
        }
    }
}
