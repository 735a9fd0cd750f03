namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q5_K: as <see cref="Q4KFormat"/>, with 32 bytes of fifth bits before the codes: byte i % 32, bit i / 32 for element i.
/// </summary>
internal sealed class Q5KFormat() : CodedFormat("Q5_K", 256, 176, 0, 2)
{
    private const int ScalesAt = 4;
    private const int FifthAt = ScalesAt + SixBitScales.Bytes;
    private const int CodesAt = FifthAt + 32;

    /// <inheritdoc/>
    public override int GroupElements => 32;

    /// <inheritdoc/>
    public override int Zero => 0;

    /// <inheritdoc/>
    public override void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            int four = block[CodesAt + (32 * (i / 64)) + (i % 32)] >> (4 * (i / 32 % 2)) & 15;
            codes[i] = (byte)(four | ((block[FifthAt + (i % 32)] >> (i / 32) & 1) << 4));
        }
    }

    /// <inheritdoc/>
    public override GroupScale ReadScale(ReadOnlySpan<byte> block, int group)
    {
        (int s, int m) = SixBitScales.Of(block[ScalesAt..], group);
        return new GroupScale(HalfAt(block, 0), HalfAt(block, 2), s, m);
    }
}
