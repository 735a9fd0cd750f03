namespace SLoRA.Formats.Blocks;

/// <summary>
/// TQ1_0: 256 elements of three values, <c>d · (t - 1)</c>. A byte holds five digits t to the base of three as the fraction byte / 256: the
/// digit n is the whole part of three times what is left behind the point after n digits. 32 bytes give 160 elements, the first digit
/// of each byte first, 16 the next 80, and 4 bytes of four digits the last 16; then d.
/// </summary>
internal sealed class Tq1Format() : BlockFormat("TQ1_0", 256, 54, ScaleAt)
{
    private const int ScaleAt = 52;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block[ScaleAt..]);
        int done = Digits(block[..32], 5, d, values);
        done += Digits(block.Slice(32, 16), 5, d, values[done..]);
        _ = Digits(block.Slice(48, 4), 4, d, values[done..]);
    }

    private static int Digits(ReadOnlySpan<byte> bytes, int digits, float d, Span<float> values)
    {
        int at = 0;
        for (int digit = 0, power = 1; digit < digits; digit++, power *= 3)
        {
            foreach (byte packed in bytes)
            {
                values[at++] = d * (((byte)(packed * power) * 3 >> 8) - 1);
            }
        }

        return at;
    }
}

/// <summary>
/// TQ2_0: 256 elements of three values, <c>d · (t - 1)</c>, with t in two bits: each 32 of the 64 bytes hold 128 elements, the lowest bits
/// first; then d.
/// </summary>
internal sealed class Tq2Format() : BlockFormat("TQ2_0", 256, 66, ScaleAt)
{
    private const int ScaleAt = 64;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block[ScaleAt..]);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = d * ((block[(32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32)) & 3) - 1);
        }
    }
}
