using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q4_0, Q4_1, Q5_0 and Q5_1: 32 elements, a scale d, with a minimum m or without. 16 bytes hold the lower four bits q, byte i those of
/// element i and, in its upper half, those of element i + 16; in the formats of five bits a word before them holds the fifth. An element is
/// <c>d · q + m</c>, or <c>d · (q - 8)</c> and <c>d · (q - 16)</c> without a minimum.
/// </summary>
/// <param name="bits">4 or 5.</param>
/// <param name="hasMinimum">Whether there is a minimum.</param>
internal sealed unsafe class NibbleFormat(int bits, bool hasMinimum) : CodedFormat(
    $"Q{bits}_{(hasMinimum ? 1 : 0)}", Elements, (hasMinimum ? 4 : 2) + (bits == 5 ? sizeof(uint) : 0) + (Elements / 2),
    hasMinimum ? [0, 2] : [0])
{
    private const int Elements = 32;
    private const int HalfElements = Elements / 2;

    /// <inheritdoc/>
    public override int GroupElements => Elements;

    /// <inheritdoc/>
    public override int Zero => hasMinimum ? 0 : 1 << (bits - 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadCodes(byte* blocks, int count, byte* codes)
    {
        int bytes = BlockBytes, fifthAt = hasMinimum ? 4 : 2;
        bool hasFifth = bits == 5;
        for (; count > 0; count--, blocks += bytes, codes += Elements)
        {
            Vector128<byte> nibbles = Vector128.Load(blocks + bytes - HalfElements);
            Vector128<byte> lower = nibbles & Vector128.Create((byte)15), upper = nibbles >>> 4;
            if (hasFifth)
            {
                uint fifth = Unsafe.ReadUnaligned<uint>(blocks + fifthAt);
                lower |= Fifth(fifth);
                upper |= Fifth(fifth >> HalfElements);
            }

            lower.Store(codes);
            upper.Store(codes + HalfElements);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(byte* blocks, int count, GroupScale* scales)
    {
        int bytes = BlockBytes;
        bool negates = hasMinimum;
        for (; count > 0; count--, blocks += bytes, scales++)
        {
            *scales = new GroupScale(HalfAt(blocks), negates ? Negated(blocks + 2) : default);
        }
    }

    /// <summary>A half-precision number with the other sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Half Negated(byte* bytes) =>
        BitConverter.UInt16BitsToHalf((ushort)(Unsafe.ReadUnaligned<ushort>(bytes) ^ 0x8000));

    /// <summary>The lowest 16 bits, each in a byte of its own, where codes have their fifth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Fifth(uint bits)
    {
        Vector128<byte> masks = Vector128.Create(0x8040201008040201ul).AsByte();
        Vector128<byte> each = Vector128.Shuffle(
            Vector128.Create(bits).AsByte(), Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        return Bits(each, masks, 16);
    }
}
