namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q5_K: as <see cref="Q4KFormat"/>, with 32 bytes of fifth bits before the codes: byte i % 32, bit i / 32 for element i.
/// </summary>
internal sealed class Q5KFormat() : BlockFormat("Q5_K", 256, 176, 0, 2)
{
    private const int ScalesAt = 4;
    private const int FifthAt = ScalesAt + SixBitScales.Bytes;
    private const int CodesAt = FifthAt + 32;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block), dmin = Half(block[2..]);
        ReadOnlySpan<byte> fifths = block.Slice(FifthAt, 32);
        for (int group = 0; group < 8; group++)
        {
            (int s, int m) = SixBitScales.Of(block[ScalesAt..], group);
            float scale = d * s, minimum = dmin * m;
            ReadOnlySpan<byte> codes = block.Slice(CodesAt + (32 * (group / 2)), 32);
            int shift = 4 * (group % 2);
            for (int i = 0; i < 32; i++)
            {
                int q = (codes[i] >> shift & 15) | ((fifths[i] >> group & 1) << 4);
                values[(32 * group) + i] = (scale * q) - minimum;
            }
        }
    }
}
