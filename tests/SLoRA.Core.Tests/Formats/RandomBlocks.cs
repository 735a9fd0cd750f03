using System.Buffers.Binary;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Formats;

/// <summary>Weights of any format from random numbers.</summary>
internal static class RandomBlocks
{
    /// <summary>Whole blocks that hold so many elements.</summary>
    /// <param name="format">The format.</param>
    /// <param name="count">Elements.</param>
    /// <param name="number">Numbers from −1 to 1; an element is near one of them, or exactly it.</param>
    public static byte[] Make(WeightFormat format, int count, Func<float> number) => format switch
    {
        PlainFormat plain => TestAdapter.Bytes(plain.Type, [.. Enumerable.Range(0, count).Select(_ => number())]),
        Q8Format => [.. Enumerable.Range(0, count / 32).SelectMany(_ => Q8Block(number))],
        ZeroedFormat zeroed => [.. Enumerable.Range(0, count / ZeroedFormat.Elements).SelectMany(_ => ZeroedBlock(zeroed, number))],
        BlockFormat blocks when HalvesOf(format) is { Length: > 0 } halves =>
            [.. Enumerable.Range(0, count / blocks.BlockElements).SelectMany(_ => Block(blocks, halves, number))],
        _ => throw UnservedType.Error(format),
    };

    /// <summary>The formats of blocks that the Cpu backend packs.</summary>
    public static BlockFormat[] Packed { get; } =
    [
        BlockFormats.Q4_0, BlockFormats.Q4_1, BlockFormats.Q5_0, BlockFormats.Q5_1, BlockFormats.Q2K, BlockFormats.Q3K, BlockFormats.Q4K,
        BlockFormats.Q5K, BlockFormats.Q6K, BlockFormats.Iq4Nl, BlockFormats.Iq4Xs, ZeroedFormat.Halves, ZeroedFormat.Brains,
    ];

    // Where the halves of a block are; any other bytes are codes and factors.
    private static int[] HalvesOf(WeightFormat format) => format.Name switch
    {
        "Q4_0" or "Q5_0" or "IQ4_NL" or "IQ4_XS" => [0],
        "Q4_1" or "Q5_1" or "Q4_K" or "Q5_K" => [0, 2],
        "Q2_K" => [80, 82],
        "Q3_K" => [108],
        "Q6_K" => [208],
        _ => [],
    };

    private static byte[] Block(BlockFormat format, int[] halves, Func<float> number)
    {
        byte[] block = [.. Enumerable.Range(0, format.BlockBytes).Select(_ => (byte)(int)((number() + 1) * 127.9f))];
        foreach (int at in halves)
        {
            BinaryPrimitives.WriteHalfLittleEndian(block.AsSpan(at), (Half)(number() / 64));
        }

        return block;
    }

    private static byte[] ZeroedBlock(ZeroedFormat format, Func<float> number)
    {
        byte[] block = new byte[format.BlockBytes];
        byte[] codes = [.. Enumerable.Range(0, ZeroedFormat.Elements).Select(_ => (byte)(int)((number() + 1) * 7.99f))];
        float scale = Elements.Widen((ushort)(BitConverter.SingleToUInt32Bits(number() / 16) >> 16));
        format.Write(codes, (int)((number() + 1) * 8.49f), scale, block);
        return block;
    }

    private static byte[] Q8Block(Func<float> number)
    {
        byte[] block = new byte[34];
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)(number() / 128));
        for (int i = 0; i < 32; i++)
        {
            block[2 + i] = (byte)(sbyte)MathF.Round(Math.Clamp(number() * 128, -128, 127));
        }

        return block;
    }
}
