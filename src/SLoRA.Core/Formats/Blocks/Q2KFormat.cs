namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q2_K: 256 elements, <c>(d · s) q - dmin · m</c> with a scale s and a minimum m of four bits for 16 elements each. 16 bytes of scales
/// (lower half) and minimums (upper half), 64 bytes of codes, d, dmin.
/// </summary>
internal sealed class Q2KFormat() : CodedFormat("Q2_K", 256, 84, ScaleAt, MinimumAt)
{
    private const int CodesAt = 16;
    private const int ScaleAt = 80;
    private const int MinimumAt = 82;

    /// <inheritdoc/>
    public override int GroupElements => 16;

    /// <inheritdoc/>
    public override int Zero => 0;

    /// <inheritdoc/>
    public override void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (byte)(block[CodesAt + (32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3);
        }
    }

    /// <inheritdoc/>
    public override GroupScale ReadScale(ReadOnlySpan<byte> block, int group) =>
        new(HalfAt(block, ScaleAt), HalfAt(block, MinimumAt), block[group] & 15, block[group] >> 4);
}
