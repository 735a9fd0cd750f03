using System.Buffers.Binary;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;

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
        _ => throw UnservedType.Error(format),
    };

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
