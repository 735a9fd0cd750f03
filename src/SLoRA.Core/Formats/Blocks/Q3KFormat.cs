using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q3_K: 256 elements, <c>(d · (s - 32)) (q - 4)</c> with a scale s of six bits for 16 elements. 32 bytes with the third bits of the codes,
/// byte i % 32, bit i / 32 for element i; 64 with the lower two as <see cref="Q2KFormat"/> has them; 12 of scales; d.
/// </summary>
internal sealed unsafe class Q3KFormat() : CodedFormat("Q3_K", Elements, Size, ScaleAt)
{
    private const int Elements = 256;
    private const int Size = 110;
    private const int Groups = 16;
    private const int CodesAt = 32;
    private const int ScalesAt = 96;
    private const int ScaleAt = 108;

    /// <inheritdoc/>
    public override int GroupElements => 16;

    /// <inheritdoc/>
    public override int Zero => 4;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadCodes(byte* blocks, int count, byte* codes)
    {
        Vector128<byte> two = Vector128.Create((byte)3);
        for (; count > 0; count--, blocks += Size, codes += Elements)
        {
            for (int l = 0; l < 64; l += Vector128<byte>.Count)
            {
                Vector128<byte> four = Vector128.Load(blocks + CodesAt + l);
                Vector128<byte> third = Vector128.Load(blocks + (l % 32));
                byte* to = codes + (l / 32 * 128) + (l % 32);
                Vector128<byte> bit = Vector128.Create((byte)(l < 32 ? 1 : 16));
                ((four & two) | Bits(third, bit, 4)).Store(to);
                (((four >>> 2) & two) | Bits(third, bit << 1, 4)).Store(to + 32);
                (((four >>> 4) & two) | Bits(third, bit << 2, 4)).Store(to + 64);
                ((four >>> 6) | Bits(third, bit << 3, 4)).Store(to + 96);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(byte* blocks, int count, GroupScale* scales)
    {
        for (; count > 0; count--, blocks += Size, scales += Groups)
        {
            // Four bits in one half of one of the first eight bytes, two more in a quarter of one of the last four.
            Half scale = HalfAt(blocks + ScaleAt);
            ulong four = Unsafe.ReadUnaligned<ulong>(blocks + ScalesAt);
            uint two = Unsafe.ReadUnaligned<uint>(blocks + ScalesAt + sizeof(ulong));
            for (int group = 0; group < Groups; group++)
            {
                int low = (int)(four >> ((8 * (group % 8)) + (4 * (group / 8)))) & 15;
                int high = (int)(two >> ((8 * (group % 4)) + (2 * (group / 4)))) & 3;
                scales[group] = new GroupScale(scale, Factor: (short)((low | (high << 4)) - 32));
            }
        }
    }
}
