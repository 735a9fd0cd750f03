using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q4_K: 256 elements, <c>(d · s) q - dmin · m</c> with a scale s and a minimum m of six bits for 32 elements each. d, dmin, the
/// <see cref="SixBitScales"/>, 128 bytes: each 32 of them hold 32 codes in their lower halves and the next 32 in their upper.
/// </summary>
internal sealed unsafe class Q4KFormat() : CodedFormat("Q4_K", Elements, Size, 0, 2)
{
    private const int Elements = 256;
    private const int Size = 144;
    private const int ScalesAt = 4;
    private const int CodesAt = ScalesAt + SixBitScales.Bytes;

    /// <inheritdoc/>
    public override int GroupElements => 32;

    /// <inheritdoc/>
    public override int Zero => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadCodes(byte* blocks, int count, byte* codes)
    {
        for (; count > 0; count--, blocks += Size, codes += Elements)
        {
            for (int l = 0; l < 128; l += Vector128<byte>.Count)
            {
                Vector128<byte> both = Vector128.Load(blocks + CodesAt + l);
                byte* to = codes + (l / 32 * 64) + (l % 32);
                (both & Vector128.Create((byte)15)).Store(to);
                (both >>> 4).Store(to + 32);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(byte* blocks, int count, GroupScale* scales)
    {
        for (; count > 0; count--, blocks += Size, scales += SixBitScales.Groups)
        {
            SixBitScales.Read(HalfAt(blocks), HalfAt(blocks + 2), blocks + ScalesAt, scales);
        }
    }
}
