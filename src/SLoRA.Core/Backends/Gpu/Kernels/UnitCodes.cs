using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

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

    /// <summary>The first 16 bytes that a lane has of a unit.</summary>
    static abstract Words4 LoadLow(ArrayView<uint> weight, long unit, int lane);

    /// <summary>What else it has.</summary>
    static abstract Words4 LoadHigh(ArrayView<uint> weight, long unit, int lane);

    /// <summary>The codes of the lane's pairs of the first run of both, less that of zero, as pairs of bfloat16.</summary>
    static abstract Words4 Pairs(Words4 low, Words4 high);

    /// <summary>What is the first for the run behind.</summary>
    static abstract Words4 NextLow(Words4 low, Words4 high);

    /// <summary>What is the second for the run behind.</summary>
    static abstract Words4 NextHigh(Words4 high);
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

    public static Words4 LoadLow(ArrayView<uint> weight, long unit, int lane) => Nibbles.LoadLane(weight, unit, lane);

    public static Words4 LoadHigh(ArrayView<uint> weight, long unit, int lane) => default;

    public static Words4 Pairs(Words4 low, Words4 high) => new(
        Nibbles.Pair(low.X, 0, TZero.Code), Nibbles.Pair(low.X >> 4, 0, TZero.Code), Nibbles.Pair(low.X >> 8, 0, TZero.Code),
        Nibbles.Pair(low.X >> 12, 0, TZero.Code));

    public static Words4 NextLow(Words4 low, Words4 high) => Nibbles.Next(low);

    public static Words4 NextHigh(Words4 high) => high;
}

/// <summary>Five bits: four of them as above; the fifth of a lane are a word, pair p of run r in bits 4r + p and 16 + 4r + p.</summary>
internal readonly struct UnitFiveBits<TZero> : IUnitCodes
    where TZero : struct, IZeroCode
{
    private const int HighAt = 16;

    /// <summary>The fifth bits of a pair.</summary>
    private const uint Fifth = 0x00010001u;

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

    public static Words4 LoadLow(ArrayView<uint> weight, long unit, int lane) => Nibbles.LoadLane(weight, unit, lane);

    public static Words4 LoadHigh(ArrayView<uint> weight, long unit, int lane) => new(weight[unit + HighAt + lane], 0, 0, 0);

    public static Words4 Pairs(Words4 low, Words4 high) => new(
        Nibbles.Pair(low.X, high.X & Fifth, TZero.Code), Nibbles.Pair(low.X >> 4, (high.X >> 1) & Fifth, TZero.Code),
        Nibbles.Pair(low.X >> 8, (high.X >> 2) & Fifth, TZero.Code), Nibbles.Pair(low.X >> 12, (high.X >> 3) & Fifth, TZero.Code));

    public static Words4 NextLow(Words4 low, Words4 high) => Nibbles.Next(low);

    public static Words4 NextHigh(Words4 high) => new(high.X >> 4, 0, 0, 0);

    private static int ShiftOf(UnitPlace place) => (place.Run << 2) + place.Pair + (place.Half << 4);
}

/// <summary>
/// Six bits around 32: four of them as above; the other two of a lane are two words, that of runs 0 and 2 and that of 1 and 3, pair p of
/// the lower run in bits 2p and 16 + 2p, of the upper eight bits above.
/// </summary>
internal readonly struct UnitSixBits : IUnitCodes
{
    private const int HighAt = 16;

    /// <summary>The fifth and sixth bits of a pair.</summary>
    private const uint Upper = 0x00030003u;

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

    public static Words4 LoadLow(ArrayView<uint> weight, long unit, int lane) => Nibbles.LoadLane(weight, unit, lane);

    public static Words4 LoadHigh(ArrayView<uint> weight, long unit, int lane)
    {
        Words2 words = weight.Cast<Words2>()[((unit + HighAt) >> 1) + lane];
        return new Words4(words.X, words.Y, 0, 0);
    }

    public static Words4 Pairs(Words4 low, Words4 high) => new(
        Nibbles.Pair(low.X, high.X & Upper, Zero), Nibbles.Pair(low.X >> 4, (high.X >> 2) & Upper, Zero),
        Nibbles.Pair(low.X >> 8, (high.X >> 4) & Upper, Zero), Nibbles.Pair(low.X >> 12, (high.X >> 6) & Upper, Zero));

    public static Words4 NextLow(Words4 low, Words4 high) => Nibbles.Next(low);

    public static Words4 NextHigh(Words4 high) => new(high.Y, high.X >> 8, 0, 0);

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

    public static Words4 LoadLow(ArrayView<uint> weight, long unit, int lane) => weight.Cast<Words4>()[(unit >> 2) + (lane << 1)];

    public static Words4 LoadHigh(ArrayView<uint> weight, long unit, int lane) => weight.Cast<Words4>()[(unit >> 2) + (lane << 1) + 1];

    public static Words4 Pairs(Words4 low, Words4 high) => new(Of(low.X), Of(low.X >> 8), Of(low.Y), Of(low.Y >> 8));

    public static Words4 NextLow(Words4 low, Words4 high) => new(low.Z, low.W, high.X, high.Y);

    public static Words4 NextHigh(Words4 high) => new(high.Z, high.W, 0, 0);

    /// <summary>Bytes 0 and 2: the bits of seven of theirs below those of 128, less 128, or less 256 where the sign is set.</summary>
    private static uint Of(uint bytes) => BrainPairs.AddPairs((bytes & 0x007F007Fu) | 0x43004300u, (bytes & 0x00800080u) | 0xC300C300u);

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

    /// <summary>What a lane has of them, a word for each run.</summary>
    public static Words4 LoadLane(ArrayView<uint> weight, long unit, int lane) => weight.Cast<Words4>()[(unit >> 2) + lane];

    /// <summary>The words of the runs behind.</summary>
    public static Words4 Next(Words4 low) => new(low.Y, low.Z, low.W, 0);

    /// <summary>
    /// A pair of codes as bfloat16, less that of zero: their bits below those of 128 are 128 + code, from which 128 + zero is taken away.
    /// </summary>
    /// <param name="low">The lowest four bits of both, in bits 0 to 3 and 16 to 19.</param>
    /// <param name="upper">The others, in bits 0 and 16 and above.</param>
    /// <param name="zero">The code of zero.</param>
    public static uint Pair(uint low, uint upper, int zero) =>
        BrainPairs.AddPairs((low & 0x000F000Fu) | (upper << 4) | 0x43004300u, 0xC300C300u | ((uint)zero * 0x00010001u));

    private static int WordOf(UnitPlace place) => (place.Lane << 2) + place.Run;

    private static int ShiftOf(UnitPlace place) => (place.Pair << 2) + (place.Half << 4);
}
