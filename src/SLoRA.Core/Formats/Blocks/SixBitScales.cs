namespace SLoRA.Formats.Blocks;

/// <summary>The eight scales and eight minimums of six bits that Q4_K and Q5_K pack into twelve bytes.</summary>
internal static class SixBitScales
{
    /// <summary>Bytes of the scales.</summary>
    public const int Bytes = 12;

    /// <summary>The scale and the minimum of the group <paramref name="j"/> of 32 elements.</summary>
    public static (int Scale, int Minimum) Of(ReadOnlySpan<byte> b, int j) => j < 4
        ? (b[j] & 63, b[j + 4] & 63)
        : ((b[j + 4] & 15) | (b[j - 4] >> 6 << 4), (b[j + 4] >> 4) | (b[j] >> 6 << 4));
}
