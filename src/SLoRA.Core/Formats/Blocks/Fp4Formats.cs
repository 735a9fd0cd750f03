namespace SLoRA.Formats.Blocks;

/// <summary>
/// The sixteen values of a number of four bits with two of exponent and one of fraction (E2M1), doubled: they are integers then.
/// </summary>
internal static class Fp4
{
    /// <summary>Twice the value of a code.</summary>
    public static ReadOnlySpan<sbyte> Doubled => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <summary>Half of the power of two that an exponent of eight bits (E8M0) stands for: <c>2^(e - 128)</c>.</summary>
    public static float HalfPower(int exponent) =>
        BitConverter.UInt32BitsToSingle(exponent < 2 ? 0x0020_0000u << exponent : (uint)(exponent - 1) << 23);
}

/// <summary>
/// MXFP4 as GGUF lays it out: 32 elements, the exponent of their scale, then 16 bytes, byte i with the codes of elements i and i + 16.
/// </summary>
internal sealed class Mxfp4Format() : BlockFormat("MXFP4", Elements, 17)
{
    private const int Elements = 32;

    // Above it the largest value is infinite in fp32, and 255 is no number.
    private const int LargestExponent = 252;

    /// <inheritdoc/>
    protected override bool IsFinite(ReadOnlySpan<byte> block) => block[0] <= LargestExponent;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Fp4.HalfPower(block[0]);
        for (int i = 0; i < Elements / 2; i++)
        {
            values[i] = scale * Fp4.Doubled[block[1 + i] & 15];
            values[i + (Elements / 2)] = scale * Fp4.Doubled[block[1 + i] >> 4];
        }
    }
}

/// <summary>
/// NVFP4: 64 elements, a scale for each 16 of them (a number of eight bits without sign, four of exponent and three of fraction), then for
/// each scale 8 bytes, byte i with the codes of elements i and i + 8.
/// </summary>
internal sealed class Nvfp4Format() : BlockFormat("NVFP4", 64, 36)
{
    private const int Groups = 4;

    // ggml takes the code that would be no number for 0.
    private const int NoNumber = 0x7F;

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        for (int group = 0; group < Groups; group++)
        {
            float scale = HalfScale(block[group]);
            ReadOnlySpan<byte> codes = block.Slice(Groups + (8 * group), 8);
            for (int i = 0; i < 8; i++)
            {
                values[(16 * group) + i] = scale * Fp4.Doubled[codes[i] & 15];
                values[(16 * group) + 8 + i] = scale * Fp4.Doubled[codes[i] >> 4];
            }
        }
    }

    private static float HalfScale(int code)
    {
        int exponent = code >> 3 & 15, fraction = code & 7;
        return code == NoNumber ? 0
            : exponent == 0 ? fraction * (1f / 1024)
            : (8 + fraction) * BitConverter.UInt32BitsToSingle((uint)(exponent - 7 - 4 + 127) << 23);
    }
}
