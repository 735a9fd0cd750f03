using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// The sixteen values, not evenly spaced, that codes of <see cref="Iq4NlFormat"/> and <see cref="Iq4XsFormat"/> stand for.
/// </summary>
internal static class Iq4Values
{
    /// <summary>The value of a code.</summary>
    private static ReadOnlySpan<sbyte> Of => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Gives the values of 32 elements: 16 bytes, byte i with the codes of elements i and i + 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read(ReadOnlySpan<byte> nibbles, Span<sbyte> values)
    {
        Vector128<byte> codes = Vector128.Create(nibbles[..16]);
        Vector128<sbyte> of = Vector128.Create(Of);
        Vector128.Shuffle(of, (codes & Vector128.Create((byte)15)).AsSByte()).CopyTo(values);
        Vector128.Shuffle(of, (codes >>> 4).AsSByte()).CopyTo(values[Vector128<sbyte>.Count..]);
    }
}

/// <summary>A block format whose codes stand for those values.</summary>
internal abstract class Iq4Format(string name, int elements, int bytes) : BlockFormat(name, elements, bytes, 0), IScaledIntegers
{
    /// <inheritdoc/>
    public abstract float ReadIntegers(ReadOnlySpan<byte> block, int group, Span<sbyte> integers);

    /// <inheritdoc/>
    protected sealed override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<sbyte> integers = stackalloc sbyte[IScaledIntegers.GroupElements];
        for (int first = 0; first < values.Length; first += integers.Length)
        {
            float scale = ReadIntegers(block, first / integers.Length, integers);
            for (int i = 0; i < integers.Length; i++)
            {
                values[first + i] = scale * integers[i];
            }
        }
    }
}

/// <summary>IQ4_NL: 32 elements, <c>d · value(q)</c>.</summary>
internal sealed class Iq4NlFormat() : Iq4Format("IQ4_NL", 32, 18)
{
    /// <inheritdoc/>
    public override float ReadIntegers(ReadOnlySpan<byte> block, int group, Span<sbyte> integers)
    {
        Iq4Values.Read(block[2..], integers);
        return Half(block);
    }
}

/// <summary>
/// IQ4_XS: 256 elements, <c>(d · (s - 32)) value(q)</c> with a scale s of six bits for 32 elements. d, the upper two bits of the scales,
/// their lower four bits, 128 bytes of codes.
/// </summary>
internal sealed class Iq4XsFormat() : Iq4Format("IQ4_XS", 256, 136)
{
    /// <inheritdoc/>
    public override float ReadIntegers(ReadOnlySpan<byte> block, int group, Span<sbyte> integers)
    {
        int high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        int s = (block[4 + (group / 2)] >> (4 * (group % 2)) & 15) | ((high >> (2 * group) & 3) << 4);
        Iq4Values.Read(block.Slice(8 + (16 * group), 16), integers);
        return Half(block) * (s - 32);
    }
}
