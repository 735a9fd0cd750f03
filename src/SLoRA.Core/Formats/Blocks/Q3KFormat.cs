namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q3_K: 256 elements, <c>(d · (s - 32)) (q - 4)</c> with a scale s of six bits for 16 elements. 32 bytes with the third bits of the codes,
/// 64 with the lower two, 12 of scales, d.
/// </summary>
internal sealed class Q3KFormat() : CodedFormat("Q3_K", 256, 110, ScaleAt)
{
    private const int CodesAt = 32;
    private const int ScalesAt = 96;
    private const int ScaleAt = 108;

    /// <inheritdoc/>
    public override int GroupElements => 16;

    /// <inheritdoc/>
    public override int Zero => 4;

    /// <inheritdoc/>
    public override void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            int low = block[CodesAt + (32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3;
            codes[i] = (byte)(low | ((block[i % 32] >> (i / 32) & 1) << 2));
        }
    }

    /// <inheritdoc/>
    public override GroupScale ReadScale(ReadOnlySpan<byte> block, int group)
    {
        // Four bits in one of the first eight bytes, two more in one of the last four.
        ReadOnlySpan<byte> scales = block[ScalesAt..];
        int four = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
        int six = four | ((scales[8 + (group % 4)] >> (2 * (group / 4)) & 3) << 4);
        return new GroupScale(HalfAt(block, ScaleAt), Factor: six - 32);
    }
}
