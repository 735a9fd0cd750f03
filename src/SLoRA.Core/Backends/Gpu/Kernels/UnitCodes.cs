using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How the codes of 128 columns of a row, a unit, lie in words. A type parameter of <see cref="PackedFormat{TCodes,TScales}"/>. A unit is
/// four runs of 32 columns; of each run, lane t of four has columns 4t to 4t + 3 and 16 + 4t to 16 + 4t + 3, as pairs 0 to 3 of neighbours.
/// All that a lane has of a unit lies together, so that it comes in loads of 16 bytes.
/// </summary>
internal interface IUnitCodes
{
    /// <summary>Words of a unit, a multiple of four.</summary>
    static abstract int Words { get; }

    /// <summary>The code that stands for zero.</summary>
    static abstract int Zero { get; }

    /// <summary>The code of a column of a unit, less that of zero.</summary>
    static abstract int Load(ArrayView<uint> weight, long unit, int column);

    /// <summary>Puts the code of a column into a unit that was all zeros.</summary>
    static abstract void Write(Span<uint> unit, int column, int code);
}

/// <summary>Where a column of a unit lies.</summary>
internal readonly struct UnitPlace(int column)
{
    /// <summary>Run, 0 to 3.</summary>
    public readonly int Run = column >> 5;

    /// <summary>Lane, 0 to 3.</summary>
    public readonly int Lane = (column >> 2) & 3;

    /// <summary>Pair, 0 to 3.</summary>
    public readonly int Pair = ((column >> 3) & 2) | ((column >> 1) & 1);

    /// <summary>Which of the pair, 0 or 1.</summary>
    public readonly int Half = column & 1;
}

/// <summary>Which code stands for zero: a type parameter of codes.</summary>
internal interface IZeroCode
{
    /// <summary>The code, below 128.</summary>
    static abstract int Code { get; }
}

/// <summary>Zero is zero: weights have offsets, or zeros of their own.</summary>
internal readonly struct Zero0 : IZeroCode
{
    public static int Code => 0;
}

/// <summary>The middle of four bits.</summary>
internal readonly struct Zero8 : IZeroCode
{
    public static int Code => 8;
}

/// <summary>The middle of five bits.</summary>
internal readonly struct Zero16 : IZeroCode
{
    public static int Code => 16;
}

/// <summary>Four bits: word r of a lane's four is run r, pair p of it in bits 4p to 4p + 3 and 16 + 4p to 19 + 4p.</summary>
internal readonly struct UnitFourBits<TZero> : IUnitCodes
    where TZero : struct, IZeroCode
{
    public static int Words => 16;

    public static int Zero => TZero.Code;

    public static int Load(ArrayView<uint> weight, long unit, int column) => (int)Nibbles.Load(weight, unit, column) - TZero.Code;

    public static void Write(Span<uint> unit, int column, int code) => Nibbles.Write(unit, column, code);
}

/// <summary>Five bits: four of them as above; the fifth of a lane are a word, pair p of run r in bits 4r + p and 16 + 4r + p.</summary>
internal readonly struct UnitFiveBits<TZero> : IUnitCodes
    where TZero : struct, IZeroCode
{
    private const int HighAt = 16;

    public static int Words => 20;

    public static int Zero => TZero.Code;

    public static int Load(ArrayView<uint> weight, long unit, int column)
    {
        var place = new UnitPlace(column);
        uint fifth = (weight[unit + HighAt + place.Lane] >> ShiftOf(place)) & 1u;
        return (int)(Nibbles.Load(weight, unit, column) | (fifth << 4)) - TZero.Code;
    }

    public static void Write(Span<uint> unit, int column, int code)
    {
        var place = new UnitPlace(column);
        Nibbles.Write(unit, column, code & 15);
        unit[HighAt + place.Lane] |= (uint)(code >> 4) << ShiftOf(place);
    }

    private static int ShiftOf(UnitPlace place) => (place.Run << 2) + place.Pair + (place.Half << 4);
}

/// <summary>
/// Six bits around 32: four of them as above; the other two of a lane are two words, that of runs 0 and 2 and that of 1 and 3, pair p of
/// the lower run in bits 2p and 16 + 2p, of the upper eight bits above.
/// </summary>
internal readonly struct UnitSixBits : IUnitCodes
{
    private const int HighAt = 16;

    public static int Words => 24;

    public static int Zero => 32;

    public static int Load(ArrayView<uint> weight, long unit, int column)
    {
        var place = new UnitPlace(column);
        uint upper = (weight[unit + WordOf(place)] >> ShiftOf(place)) & 3u;
        return (int)(Nibbles.Load(weight, unit, column) | (upper << 4)) - Zero;
    }

    public static void Write(Span<uint> unit, int column, int code)
    {
        var place = new UnitPlace(column);
        Nibbles.Write(unit, column, code & 15);
        unit[WordOf(place)] |= (uint)(code >> 4) << ShiftOf(place);
    }

    private static int WordOf(UnitPlace place) => HighAt + (place.Lane << 1) + (place.Run & 1);

    private static int ShiftOf(UnitPlace place) => ((place.Run >> 1) << 3) + (place.Pair << 1) + (place.Half << 4);
}

/// <summary>
/// Signed bytes: words 2r and 2r + 1 of a lane's eight are run r, pairs 0 and 1 and pairs 2 and 3; of the first pair of a word bytes 0
/// and 2, of the second 1 and 3.
/// </summary>
internal readonly struct UnitSignedBytes : IUnitCodes
{
    public static int Words => 32;

    public static int Zero => 0;

    public static int Load(ArrayView<uint> weight, long unit, int column)
    {
        var place = new UnitPlace(column);

        // Up to the sign bit and down again.
        return (int)(weight[unit + WordOf(place)] << (24 - ShiftOf(place))) >> 24;
    }

    public static void Write(Span<uint> unit, int column, int code)
    {
        var place = new UnitPlace(column);
        unit[WordOf(place)] |= (uint)(byte)code << ShiftOf(place);
    }

    private static int WordOf(UnitPlace place) => (place.Lane << 3) + (place.Run << 1) + (place.Pair >> 1);

    private static int ShiftOf(UnitPlace place) => ((place.Pair & 1) << 3) + (place.Half << 4);
}

/// <summary>The lowest four bits of codes of four to six.</summary>
internal static class Nibbles
{
    public static uint Load(ArrayView<uint> weight, long unit, int column)
    {
        var place = new UnitPlace(column);
        return (weight[unit + WordOf(place)] >> ShiftOf(place)) & 15u;
    }

    public static void Write(Span<uint> unit, int column, int code)
    {
        var place = new UnitPlace(column);
        unit[WordOf(place)] |= (uint)code << ShiftOf(place);
    }

    private static int WordOf(UnitPlace place) => (place.Lane << 2) + place.Run;

    private static int ShiftOf(UnitPlace place) => (place.Pair << 2) + (place.Half << 4);
}
