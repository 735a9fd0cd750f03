using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q6_K: 256 elements, <c>(d · s) (q - 32)</c> with a signed scale s of eight bits for 16 elements. 128 bytes with the lower four bits of
/// the codes, 64 with the upper two, 16 scales, d. For each 128 elements, byte l of 32 of the upper ones has the bits of elements l,
/// l + 32, l + 64 and l + 96, lowest first; bytes l and l + 32 of 64 of the lower ones have elements l and l + 32, and l + 64 and l + 96 in
/// their upper halves.
/// </summary>
internal sealed unsafe class Q6KFormat() : CodedFormat("Q6_K", Elements, Size, ScaleAt)
{
    private const int Elements = 256;
    private const int Size = 210;
    private const int Groups = 16;
    private const int HighAt = 128;
    private const int ScalesAt = 192;
    private const int ScaleAt = 208;

    /// <inheritdoc/>
    public override int GroupElements => 16;

    /// <inheritdoc/>
    public override int Zero => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadCodes(byte* blocks, int count, byte* codes)
    {
        Vector128<byte> four = Vector128.Create((byte)0x0F), two = Vector128.Create((byte)0x30);
        for (; count > 0; count--, blocks += Size, codes += Elements)
        {
            for (int l = 0; l < 64; l += Vector128<byte>.Count)
            {
                int half = l / 32;
                Vector128<byte> first = Vector128.Load(blocks + (32 * half) + l);
                Vector128<byte> second = Vector128.Load(blocks + (32 * half) + l + 32);
                Vector128<byte> high = Vector128.Load(blocks + HighAt + l);
                byte* to = codes + (128 * half) + (l % 32);
                ((first & four) | ((high << 4) & two)).Store(to);
                ((second & four) | ((high << 2) & two)).Store(to + 32);
                ((first >>> 4) | (high & two)).Store(to + 64);
                ((second >>> 4) | ((high >>> 2) & two)).Store(to + 96);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(byte* blocks, int count, GroupScale* scales)
    {
        for (; count > 0; count--, blocks += Size, scales += Groups)
        {
            Half scale = HalfAt(blocks + ScaleAt);
            for (int group = 0; group < Groups; group++)
            {
                scales[group] = new GroupScale(scale, Factor: (sbyte)blocks[ScalesAt + group]);
            }
        }
    }
}
