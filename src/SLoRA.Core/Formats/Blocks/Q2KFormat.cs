namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q2_K: 256 elements, <c>(d · s) q - dmin · m</c> with a scale s and a minimum m of four bits for 16 elements each. 16 bytes of scales
/// (lower half) and minimums (upper half), 64 bytes of codes, d, dmin.
/// </summary>
internal sealed class Q2KFormat() : BlockFormat("Q2_K", 256, 84, ScaleAt, MinimumAt)
{
    private const int CodesAt = 16;
    private const int ScaleAt = 80;
    private const int MinimumAt = 82;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block[ScaleAt..]), dmin = Half(block[MinimumAt..]);
        for (int i = 0; i < values.Length; i++)
        {
            byte scales = block[i / 16];
            int q = block[CodesAt + (32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3;
            float scale = d * (scales & 15), minimum = dmin * (scales >> 4);
            values[i] = (scale * q) - minimum;
        }
    }
}
