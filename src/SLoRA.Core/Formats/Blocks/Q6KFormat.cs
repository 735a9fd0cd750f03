namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q6_K: 256 elements, <c>(d · s) (q - 32)</c> with a signed scale s of eight bits for 16 elements. 128 bytes with the lower four bits of
/// the codes, 64 with the upper two, 16 scales, d.
/// </summary>
internal sealed class Q6KFormat() : CodedFormat("Q6_K", 256, 210, ScaleAt)
{
    private const int HighAt = 128;
    private const int ScalesAt = 192;
    private const int ScaleAt = 208;

    /// <inheritdoc/>
    public override int GroupElements => 16;

    /// <inheritdoc/>
    public override int Zero => 32;

    /// <inheritdoc/>
    public override void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            int half = i / 128, group = i % 128 / 32, l = i % 32;
            int low = block[(64 * half) + (32 * (group % 2)) + l] >> (4 * (group / 2)) & 15;
            codes[i] = (byte)(low | ((block[HighAt + (32 * half) + l] >> (2 * group) & 3) << 4));
        }
    }

    /// <inheritdoc/>
    public override GroupScale ReadScale(ReadOnlySpan<byte> block, int group) =>
        new(HalfAt(block, ScaleAt), Factor: (sbyte)block[ScalesAt + group]);
}
