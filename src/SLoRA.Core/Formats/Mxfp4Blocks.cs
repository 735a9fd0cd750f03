using System.Runtime.InteropServices;

namespace SLoRA.Formats;

/// <summary>
/// Numbers of 4 bits in blocks of 32 that share an exponent, as OCP's MX formats have them: value k of a block is in the low half of byte
/// k / 2 where k is even, else in the high one. Every value is exact in bfloat16.
/// </summary>
internal static class Mxfp4Blocks
{
    /// <summary>Numbers of a block.</summary>
    public const int BlockElements = 32;

    /// <summary>Bytes of a block's codes.</summary>
    public const int BlockBytes = 16;

    /// <summary>The exponent that stands for no number.</summary>
    public const byte NoNumber = 255;

    private const int Bias = 127;

    private static ReadOnlySpan<float> Values => [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>Widens blocks to bfloat16.</summary>
    /// <param name="codes">16 bytes for each block.</param>
    /// <param name="exponents">The exponent of each block, plus 127; none is <see cref="NoNumber"/>.</param>
    /// <param name="bits">The bits of the values, 32 for each block.</param>
    public static void Widen(ReadOnlySpan<byte> codes, ReadOnlySpan<byte> exponents, Span<ushort> bits)
    {
        Span<ushort> table = stackalloc ushort[Values.Length];
        for (int block = 0; block < exponents.Length; block++)
        {
            float scale = MathF.ScaleB(1, exponents[block] - Bias);
            for (int code = 0; code < table.Length; code++)
            {
                table[code] = (ushort)(BitConverter.SingleToUInt32Bits(Values[code] * scale) >> 16);
            }

            ReadOnlySpan<byte> source = codes.Slice(block * BlockBytes, BlockBytes);
            Span<uint> pairs = MemoryMarshal.Cast<ushort, uint>(bits.Slice(block * BlockElements, BlockElements));
            for (int i = 0; i < source.Length; i++)
            {
                pairs[i] = table[source[i] & 15] | ((uint)table[source[i] >> 4] << 16);
            }
        }
    }
}
