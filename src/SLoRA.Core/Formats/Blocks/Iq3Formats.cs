using System.Buffers.Binary;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// IQ3_XXS: 256 elements. d, 64 bytes with a code for four elements each, and for 32 elements a word of 32 bits: four times seven bits of
/// signs, a scale s of four (<c>d · (½ + s) · ½</c>).
/// </summary>
internal sealed class Iq3XxsFormat() : BlockFormat("IQ3_XXS", 256, 98, 0)
{
    private const int CodesAt = 2;
    private const int WordsAt = 66;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        for (int row = 0; row < 64; row++)
        {
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(block[(WordsAt + (4 * (row / 8)))..]);
            float scale = d * (0.5f + (word >> 28)) * 0.5f;
            int signs = CodeBook.EvenSigns(word >> (7 * (row / 2 % 4))) >> (4 * (row % 2));
            CodeBook.ThreeXxs.Write(block[CodesAt + row], scale, signs, values.Slice(4 * row, 4));
        }
    }
}

/// <summary>
/// IQ3_S: 256 elements. d, 64 bytes with the lower bits of a code for four elements each, 8 with their ninth bits, 32 with a sign for each
/// element, 4 with scales s of four bits for 32 elements each (<c>d · (1 + 2 s)</c>).
/// </summary>
internal sealed class Iq3SFormat() : BlockFormat("IQ3_S", 256, 110, 0)
{
    private const int CodesAt = 2;
    private const int HighAt = 66;
    private const int SignsAt = 74;
    private const int ScalesAt = 106;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block);
        for (int row = 0; row < 64; row++)
        {
            int code = block[CodesAt + row] | ((block[HighAt + (row / 8)] >> (row % 8) & 1) << 8);
            float scale = d * (1 + (2 * (block[ScalesAt + (row / 16)] >> (4 * (row / 8 % 2)) & 15)));
            CodeBook.ThreeS.Write(code, scale, block[SignsAt + (row / 2)] >> (4 * (row % 2)), values.Slice(4 * row, 4));
        }
    }
}
