using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q2_K: 256 elements, <c>(d · s) q - dmin · m</c> with a scale s and a minimum m of four bits for 16 elements each. 16 bytes of scales
/// (lower half) and minimums (upper half), 64 bytes of codes, d, dmin. Of each 32 bytes of codes, byte l has those of elements l, l + 32,
/// l + 64 and l + 96, lowest bits first.
/// </summary>
internal sealed unsafe class Q2KFormat() : CodedFormat("Q2_K", Elements, Size, ScaleAt, MinimumAt)
{
    private const int Elements = 256;
    private const int Size = 84;
    private const int Groups = 16;
    private const int CodesAt = Groups;
    private const int ScaleAt = 80;
    private const int MinimumAt = 82;

    /// <inheritdoc/>
    public override int GroupElements => 16;

    /// <inheritdoc/>
    public override int Zero => 0;

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
                byte* to = codes + (l / 32 * 128) + (l % 32);
                (four & two).Store(to);
                ((four >>> 2) & two).Store(to + 32);
                ((four >>> 4) & two).Store(to + 64);
                (four >>> 6).Store(to + 96);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(byte* blocks, int count, GroupScale* scales)
    {
        for (; count > 0; count--, blocks += Size, scales += Groups)
        {
            Half scale = HalfAt(blocks + ScaleAt), minimum = HalfAt(blocks + MinimumAt);
            for (int group = 0; group < Groups; group++)
            {
                scales[group] = new GroupScale(scale, minimum, (short)(blocks[group] & 15), (short)(blocks[group] >> 4));
            }
        }
    }
}
