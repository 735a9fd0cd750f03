using System.Runtime.CompilerServices;

namespace SLoRA.Formats.Blocks;

/// <summary>The eight scales and eight minimums of six bits that Q4_K and Q5_K pack into twelve bytes.</summary>
internal static unsafe class SixBitScales
{
    /// <summary>Bytes of the scales.</summary>
    public const int Bytes = 12;

    /// <summary>Groups of 32 elements that have them.</summary>
    public const int Groups = 8;

    private const uint Six = 0x3F3F3F3F;
    private const uint Four = 0x0F0F0F0F;
    private const uint Two = 0x30303030;

    /// <summary>Gives the scales of all groups of a block.</summary>
    /// <param name="scale">The block's scale.</param>
    /// <param name="minimum">Its minimum.</param>
    /// <param name="bytes">
    /// Four bytes with the scales of the first four groups, four with their minimums, and four with the lower four bits of the others',
    /// scales in the lower half; the two bits that those lack are the upper ones of the first eight bytes.
    /// </param>
    /// <param name="scales">One for each group.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(Half scale, Half minimum, byte* bytes, GroupScale* scales)
    {
        uint first = Unsafe.ReadUnaligned<uint>(bytes), second = Unsafe.ReadUnaligned<uint>(bytes + 4);
        uint third = Unsafe.ReadUnaligned<uint>(bytes + 8);
        ulong factors = (first & Six) | ((ulong)((third & Four) | ((first >> 2) & Two)) << 32);
        ulong minimums = (second & Six) | ((ulong)(((third >> 4) & Four) | ((second >> 2) & Two)) << 32);
        for (int group = 0; group < Groups; group++)
        {
            scales[group] = new GroupScale(
                scale, minimum, (byte)(factors >> (8 * group)), (byte)(minimums >> (8 * group)));
        }
    }
}
