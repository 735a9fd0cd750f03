using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// How files store codes and what groups of them share. A type parameter of <see cref="RowPacking{TCodes,TScales,TBlocks}"/>.
/// </summary>
internal interface IStoredCodes
{
    /// <summary>The code that stands for zero.</summary>
    static abstract int ZeroOf(WeightFormat format);

    /// <summary>Gives the codes of a block.</summary>
    static abstract void ReadCodes(WeightFormat format, ReadOnlySpan<byte> block, Span<int> codes);

    /// <summary>Gives what a group of a block has beside its codes.</summary>
    static abstract GroupNumbers ReadNumbers(WeightFormat format, ReadOnlySpan<byte> block, int group);
}

/// <summary>A <see cref="CodedFormat"/> whose minimum is added in half precision, or that has none.</summary>
internal readonly struct OwnNumbers : IStoredCodes
{
    public static int ZeroOf(WeightFormat format) => ((CodedFormat)format).Zero;

    public static void ReadCodes(WeightFormat format, ReadOnlySpan<byte> block, Span<int> codes) =>
        SharedNumbers.ReadCodes(format, block, codes);

    public static GroupNumbers ReadNumbers(WeightFormat format, ReadOnlySpan<byte> block, int group)
    {
        GroupScale scale = ((CodedFormat)format).ReadScale(block, group);
        return new GroupNumbers(BitConverter.HalfToUInt16Bits(scale.Scale), BitConverter.HalfToUInt16Bits(-scale.Minimum));
    }
}

/// <summary>A <see cref="CodedFormat"/> whose groups have factors of what a block has.</summary>
internal readonly struct SharedNumbers : IStoredCodes
{
    public static int ZeroOf(WeightFormat format) => ((CodedFormat)format).Zero;

    public static void ReadCodes(WeightFormat format, ReadOnlySpan<byte> block, Span<int> codes)
    {
        Span<byte> bytes = stackalloc byte[codes.Length];
        ((CodedFormat)format).ReadCodes(block, bytes);
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = bytes[i];
        }
    }

    public static GroupNumbers ReadNumbers(WeightFormat format, ReadOnlySpan<byte> block, int group)
    {
        GroupScale scale = ((CodedFormat)format).ReadScale(block, group);
        return new GroupNumbers(
            BitConverter.HalfToUInt16Bits(scale.Scale), BitConverter.HalfToUInt16Bits(scale.Minimum), scale.Factor, scale.MinimumFactor);
    }
}

/// <summary>An <see cref="IScaledIntegers"/>, whose scales become fp32.</summary>
internal readonly struct FloatScaledIntegers : IStoredCodes
{
    public static int ZeroOf(WeightFormat format) => 0;

    public static void ReadCodes(WeightFormat format, ReadOnlySpan<byte> block, Span<int> codes)
    {
        Span<sbyte> integers = stackalloc sbyte[IScaledIntegers.GroupElements];
        for (int first = 0; first < codes.Length; first += integers.Length)
        {
            _ = ((IScaledIntegers)format).ReadIntegers(block, first / integers.Length, integers);
            for (int i = 0; i < integers.Length; i++)
            {
                codes[first + i] = integers[i];
            }
        }
    }

    public static GroupNumbers ReadNumbers(WeightFormat format, ReadOnlySpan<byte> block, int group)
    {
        uint bits = BitConverter.SingleToUInt32Bits(Scale(format, block, group));
        return new GroupNumbers((ushort)bits, (ushort)(bits >> 16));
    }

    /// <summary>The scale of a group.</summary>
    public static float Scale(WeightFormat format, ReadOnlySpan<byte> block, int group)
    {
        Span<sbyte> integers = stackalloc sbyte[IScaledIntegers.GroupElements];
        return ((IScaledIntegers)format).ReadIntegers(block, group, integers);
    }
}

/// <summary>An <see cref="IScaledIntegers"/> whose scales are in half precision.</summary>
internal readonly struct HalfScaledIntegers : IStoredCodes
{
    public static int ZeroOf(WeightFormat format) => 0;

    public static void ReadCodes(WeightFormat format, ReadOnlySpan<byte> block, Span<int> codes) =>
        FloatScaledIntegers.ReadCodes(format, block, codes);

    public static GroupNumbers ReadNumbers(WeightFormat format, ReadOnlySpan<byte> block, int group) =>
        new(BitConverter.HalfToUInt16Bits((Half)FloatScaledIntegers.Scale(format, block, group)));
}

/// <summary>A <see cref="ZeroedFormat"/>.</summary>
internal readonly struct ZeroedCodes : IStoredCodes
{
    public static int ZeroOf(WeightFormat format) => 0;

    public static void ReadCodes(WeightFormat format, ReadOnlySpan<byte> block, Span<int> codes)
    {
        Span<byte> bytes = stackalloc byte[codes.Length];
        ZeroedFormat.ReadCodes(block, bytes);
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = bytes[i];
        }
    }

    public static GroupNumbers ReadNumbers(WeightFormat format, ReadOnlySpan<byte> block, int group) =>
        new(ZeroedFormat.ScaleBits(block), Factor: ZeroedFormat.Zero(block));
}
