namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q3_K: 256 elements, <c>(d · (s - 32)) (q - 4)</c> with a scale s of six bits for 16 elements. 32 bytes with the third bits of the codes,
/// 64 with the lower two, 12 of scales, d.
/// </summary>
internal sealed class Q3KFormat() : BlockFormat("Q3_K", 256, 110, ScaleAt)
{
    private const int CodesAt = 32;
    private const int ScalesAt = 96;
    private const int ScaleAt = 108;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block[ScaleAt..]);
        for (int i = 0; i < values.Length; i++)
        {
            int low = block[CodesAt + (32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3;
            int q = low - ((block[i % 32] >> (i / 32) & 1) != 0 ? 0 : 4);
            float scale = d * (ScaleOf(block[ScalesAt..], i / 16) - 32);
            values[i] = scale * q;
        }
    }

    // Four bits in one of the first eight bytes, two more in one of the last four.
    private static int ScaleOf(ReadOnlySpan<byte> scales, int j)
    {
        int four = j < 8 ? scales[j] & 15 : scales[j - 8] >> 4;
        return four | ((scales[8 + (j % 4)] >> (2 * (j / 4)) & 3) << 4);
    }
}
