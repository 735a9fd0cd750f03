namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q4_K: 256 elements, <c>(d · s) q - dmin · m</c> with a scale s and a minimum m of six bits for 32 elements each. d, dmin, the
/// <see cref="SixBitScales"/>, 128 bytes: each 32 of them hold 32 codes in their lower halves and the next 32 in their upper.
/// </summary>
internal sealed class Q4KFormat() : BlockFormat("Q4_K", 256, 144, 0, 2)
{
    private const int ScalesAt = 4;
    private const int CodesAt = ScalesAt + SixBitScales.Bytes;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block), dmin = Half(block[2..]);
        for (int group = 0; group < 8; group++)
        {
            (int s, int m) = SixBitScales.Of(block[ScalesAt..], group);
            float scale = d * s, minimum = dmin * m;
            ReadOnlySpan<byte> codes = block.Slice(CodesAt + (32 * (group / 2)), 32);
            int shift = 4 * (group % 2);
            for (int i = 0; i < 32; i++)
            {
                values[(32 * group) + i] = (scale * (codes[i] >> shift & 15)) - minimum;
            }
        }
    }
}
