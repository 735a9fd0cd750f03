using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// Q5_K: as <see cref="Q4KFormat"/>, with 32 bytes of fifth bits before the codes: byte i % 32, bit i / 32 for element i.
/// </summary>
internal sealed class Q5KFormat() : CodedFormat("Q5_K", Elements, 176, 0, 2)
{
    private const int Elements = 256;
    private const int ScalesAt = 4;
    private const int FifthAt = ScalesAt + SixBitScales.Bytes;
    private const int CodesAt = FifthAt + 32;

    /// <inheritdoc/>
    public override int GroupElements => 32;

    /// <inheritdoc/>
    public override int Zero => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadCodes(ReadOnlySpan<byte> blocks, Span<byte> codes)
    {
        for (; !codes.IsEmpty; blocks = blocks[BlockBytes..], codes = codes[Elements..])
        {
            for (int l = 0; l < 128; l += Vector128<byte>.Count)
            {
                Vector128<byte> both = Vector128.Create(blocks.Slice(CodesAt + l, Vector128<byte>.Count));
                Vector128<byte> fifth = Vector128.Create(blocks.Slice(FifthAt + (l % 32), Vector128<byte>.Count));
                Span<byte> to = codes[((l / 32 * 64) + (l % 32))..];
                Vector128<byte> bit = Vector128.Create((byte)(1 << (l / 32 * 2)));
                ((both & Vector128.Create((byte)15)) | Bits(fifth, bit, 16)).CopyTo(to);
                ((both >>> 4) | Bits(fifth, bit << 1, 16)).CopyTo(to[32..]);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReadScales(ReadOnlySpan<byte> blocks, Span<GroupScale> scales)
    {
        for (; !scales.IsEmpty; blocks = blocks[BlockBytes..], scales = scales[SixBitScales.Groups..])
        {
            SixBitScales.Read(HalfAt(blocks, 0), HalfAt(blocks, 2), blocks[ScalesAt..], scales);
        }
    }
}
