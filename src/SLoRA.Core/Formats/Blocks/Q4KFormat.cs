namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q4_K: 256 elements, <c>(d · s) q - dmin · m</c> with a scale s and a minimum m of six bits for 32 elements each. d, dmin, the
/// <see cref="SixBitScales"/>, 128 bytes: each 32 of them hold 32 codes in their lower halves and the next 32 in their upper.
/// </summary>
internal sealed class Q4KFormat() : CodedFormat("Q4_K", 256, 144, 0, 2)
{
    private const int ScalesAt = 4;
    private const int CodesAt = ScalesAt + SixBitScales.Bytes;

    /// <inheritdoc/>
    public override int GroupElements => 32;

    /// <inheritdoc/>
    public override int Zero => 0;

    /// <inheritdoc/>
    public override void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (byte)(block[CodesAt + (32 * (i / 64)) + (i % 32)] >> (4 * (i / 32 % 2)) & 15);
        }
    }

    /// <inheritdoc/>
    public override GroupScale ReadScale(ReadOnlySpan<byte> block, int group)
    {
        (int s, int m) = SixBitScales.Of(block[ScalesAt..], group);
        return new GroupScale(HalfAt(block, 0), HalfAt(block, 2), s, m);
    }
}
