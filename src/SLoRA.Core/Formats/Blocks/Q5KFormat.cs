using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q5_K: as <see cref="Q4KFormat"/>, with 32 bytes of fifth bits before the codes: byte i % 32, bit i / 32 for element i.
/// </summary>
internal sealed unsafe class Q5KFormat() : CodedFormat("Q5_K", Elements, Size, 0, 2)
{
    private const int Elements = 256;
    private const int Size = 176;
    private const int ScalesAt = 4;
    private const int FifthAt = ScalesAt + SixBitScales.Bytes;
    private const int CodesAt = FifthAt + 32;

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
                Vector128<byte> fifth = Vector128.Load(blocks + FifthAt + (l % 32));
                byte* to = codes + (l / 32 * 64) + (l % 32);
                Vector128<byte> bit = Vector128.Create((byte)(1 << (l / 32 * 2)));
                ((both & Vector128.Create((byte)15)) | Bits(fifth, bit, 16)).Store(to);
                ((both >>> 4) | Bits(fifth, bit << 1, 16)).Store(to + 32);
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
