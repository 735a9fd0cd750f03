using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>What a group of weights has beside its codes, as files have it; of what a kind does not keep nothing is looked at.</summary>
/// <param name="Scale">The bits of a scale.</param>
/// <param name="Offset">The bits of what is added.</param>
/// <param name="Factor">The group's own part of the scale; a code of zero where those are kept.</param>
/// <param name="OffsetFactor">The group's own part of what is subtracted.</param>
internal readonly record struct GroupNumbers(ushort Scale, ushort Offset = 0, int Factor = 0, int OffsetFactor = 0);

/// <summary>
/// How the scales of 128 columns of a row, a unit, lie in words. A type parameter of <see cref="PackedFormat{TCodes,TScales}"/>. A weight
/// of code q is <c>step · q + offset</c>, or <c>step · (q − zero)</c> where groups have zeros of their own.
/// </summary>
internal interface IUnitScales
{
    /// <summary>Words of a unit.</summary>
    static abstract int Words { get; }

    /// <summary>Whether columns 0 to 15 of a run have other scales than columns 16 to 31.</summary>
    static abstract bool AreOf16 { get; }

    /// <summary>Whether there are offsets.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>Whether groups have zeros of their own.</summary>
    static abstract bool HasZeros { get; }

    /// <summary>The numbers of a run of a unit.</summary>
    static abstract Words4 LoadRun(ArrayView<uint> weight, long unit, int run);

    /// <summary>All of a unit's words, four at most.</summary>
    static abstract Words4 LoadUnit(ArrayView<uint> weight, long unit);

    /// <summary>The numbers of a run of these.</summary>
    static abstract Words4 OfRun(Words4 unit, int run);

    /// <summary>The step of the run, or of its first half; exact.</summary>
    static abstract float Step(Words4 scales);

    /// <summary>The step of its second half.</summary>
    static abstract float SecondStep(Words4 scales);

    /// <summary>The offset of the run; exact.</summary>
    static abstract float Offset(Words4 scales);

    /// <summary>Its zero, 0 to 255.</summary>
    static abstract int Zero(Words4 scales);

    /// <summary>Puts the numbers of a group into a unit that was all zeros.</summary>
    static abstract void Write(Span<uint> unit, int group, in GroupNumbers numbers);
}

/// <summary>A scale in half precision: 16 bits of a run.</summary>
internal readonly struct UnitHalfScales : IUnitScales
{
    public static int Words => 2;

    public static bool AreOf16 => false;

    public static bool HasOffsets => false;

    public static bool HasZeros => false;

    public static Words4 LoadRun(ArrayView<uint> weight, long unit, int run) => RunHalves.Load(weight, unit, run);

    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => RunHalves.LoadUnit(weight, unit);

    public static Words4 OfRun(Words4 unit, int run) => new(RunHalves.OfRun(unit, run), 0, 0, 0);

    public static float Step(Words4 scales) => HalfNumbers.WidenHalf(scales.X);

    public static float SecondStep(Words4 scales) => 0;

    public static float Offset(Words4 scales) => 0;

    public static int Zero(Words4 scales) => 0;

    public static void Write(Span<uint> unit, int group, in GroupNumbers numbers) => RunHalves.Write(unit, group, numbers.Scale);
}

/// <summary>A scale and an offset in half precision: a word of a run.</summary>
internal readonly struct UnitHalfPairs : IUnitScales
{
    public static int Words => 4;

    public static bool AreOf16 => false;

    public static bool HasOffsets => true;

    public static bool HasZeros => false;

    public static Words4 LoadRun(ArrayView<uint> weight, long unit, int run) => RunWords.Load(weight, unit, run);

    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => RunWords.LoadUnit(weight, unit);

    public static Words4 OfRun(Words4 unit, int run) => new(RunWords.OfRun(unit, run), 0, 0, 0);

    public static float Step(Words4 scales) => HalfNumbers.WidenHalf(scales.X);

    public static float SecondStep(Words4 scales) => 0;

    public static float Offset(Words4 scales) => HalfNumbers.WidenHalf(scales.X >> 16);

    public static int Zero(Words4 scales) => 0;

    public static void Write(Span<uint> unit, int group, in GroupNumbers numbers) =>
        unit[group] = numbers.Scale | ((uint)numbers.Offset << 16);
}

/// <summary>A scale in fp32: a word of a run.</summary>
internal readonly struct UnitFloatScales : IUnitScales
{
    public static int Words => 4;

    public static bool AreOf16 => false;

    public static bool HasOffsets => false;

    public static bool HasZeros => false;

    public static Words4 LoadRun(ArrayView<uint> weight, long unit, int run) => RunWords.Load(weight, unit, run);

    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => RunWords.LoadUnit(weight, unit);

    public static Words4 OfRun(Words4 unit, int run) => new(RunWords.OfRun(unit, run), 0, 0, 0);

    public static float Step(Words4 scales) => Interop.IntAsFloat(scales.X);

    public static float SecondStep(Words4 scales) => 0;

    public static float Offset(Words4 scales) => 0;

    public static int Zero(Words4 scales) => 0;

    /// <summary>The upper half of the scale comes as an offset.</summary>
    public static void Write(Span<uint> unit, int group, in GroupNumbers numbers) =>
        unit[group] = numbers.Scale | ((uint)numbers.Offset << 16);
}

/// <summary>Two unsigned bytes of a run, factors of a scale and of what is subtracted, which the unit has in half precision.</summary>
internal readonly struct UnitSharedPairs : IUnitScales
{
    public static int Words => 3;

    public static bool AreOf16 => false;

    public static bool HasOffsets => true;

    public static bool HasZeros => false;

    public static Words4 LoadRun(ArrayView<uint> weight, long unit, int run)
    {
        Words4 scales = RunHalves.Load(weight, unit, run);
        scales.Z = weight[unit + 2];
        return scales;
    }

    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => RunHalves.LoadShared(weight, unit);

    public static Words4 OfRun(Words4 unit, int run) => new(RunHalves.OfRun(unit, run), 0, unit.Z, 0);

    public static float Step(Words4 scales) => HalfNumbers.WidenHalf(scales.Z) * (int)(scales.X & 0xFFu);

    public static float SecondStep(Words4 scales) => 0;

    public static float Offset(Words4 scales) => -(HalfNumbers.WidenHalf(scales.Z >> 16) * (int)((scales.X >> 8) & 0xFFu));

    public static int Zero(Words4 scales) => 0;

    public static void Write(Span<uint> unit, int group, in GroupNumbers numbers)
    {
        RunHalves.Write(unit, group, (ushort)(numbers.Factor | (numbers.OffsetFactor << 8)));
        unit[2] = numbers.Scale | ((uint)numbers.Offset << 16);
    }
}

/// <summary>
/// Two signed bytes of a run, for its first 16 columns and for the others: factors of a scale that the unit has in half precision.
/// </summary>
internal readonly struct UnitSharedScales : IUnitScales
{
    public static int Words => 3;

    public static bool AreOf16 => true;

    public static bool HasOffsets => false;

    public static bool HasZeros => false;

    public static Words4 LoadRun(ArrayView<uint> weight, long unit, int run)
    {
        Words4 scales = RunHalves.Load(weight, unit, run);
        scales.Z = weight[unit + 2];
        return scales;
    }

    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => RunHalves.LoadShared(weight, unit);

    public static Words4 OfRun(Words4 unit, int run) => new(RunHalves.OfRun(unit, run), 0, unit.Z, 0);

    public static float Step(Words4 scales) => HalfNumbers.WidenHalf(scales.Z) * ((int)(scales.X << 24) >> 24);

    public static float SecondStep(Words4 scales) => HalfNumbers.WidenHalf(scales.Z) * ((int)(scales.X << 16) >> 24);

    public static float Offset(Words4 scales) => 0;

    public static int Zero(Words4 scales) => 0;

    public static void Write(Span<uint> unit, int group, in GroupNumbers numbers)
    {
        int run = group >> 1;
        unit[run & 1] |= (uint)(byte)numbers.Factor << (((run & 2) << 3) + ((group & 1) << 3));
        unit[2] = numbers.Scale;
    }
}

/// <summary>A scale of 16 bits and the code of zero, a byte of a run.</summary>
/// <typeparam name="TElement">The type of scales: half precision or bfloat16.</typeparam>
internal readonly struct UnitZeroScales<TElement> : IUnitScales
    where TElement : struct, IStoredType<ushort>
{
    public static int Words => 3;

    public static bool AreOf16 => false;

    public static bool HasOffsets => false;

    public static bool HasZeros => true;

    public static Words4 LoadRun(ArrayView<uint> weight, long unit, int run)
    {
        Words4 scales = RunHalves.Load(weight, unit, run);
        scales.Z = weight[unit + 2] >> (run << 3);
        return scales;
    }

    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => RunHalves.LoadShared(weight, unit);

    public static Words4 OfRun(Words4 unit, int run) => new(RunHalves.OfRun(unit, run), 0, unit.Z >> (run << 3), 0);

    public static float Step(Words4 scales) => TElement.Load((ushort)(scales.X & 0xFFFFu));

    public static float SecondStep(Words4 scales) => 0;

    public static float Offset(Words4 scales) => 0;

    public static int Zero(Words4 scales) => (int)(scales.Z & 0xFFu);

    public static void Write(Span<uint> unit, int group, in GroupNumbers numbers)
    {
        RunHalves.Write(unit, group, numbers.Scale);
        unit[2] |= (uint)numbers.Factor << (group << 3);
    }
}

/// <summary>
/// Sixteen bits of each run in two words: runs 0 and 2 in the first, 1 and 3 in the second.
/// </summary>
internal static class RunHalves
{
    public static Words4 Load(ArrayView<uint> weight, long unit, int run) =>
        new(weight[unit + (run & 1)] >> ((run & 2) << 3), 0, 0, 0);

    /// <summary>Those of all runs, where there is nothing else.</summary>
    public static Words4 LoadUnit(ArrayView<uint> weight, long unit)
    {
        Words2 words = weight.Cast<Words2>()[unit >> 1];
        return new Words4(words.X, words.Y, 0, 0);
    }

    /// <summary>Those of all runs, and the word behind that they share.</summary>
    public static Words4 LoadShared(ArrayView<uint> weight, long unit) => new(weight[unit], weight[unit + 1], weight[unit + 2], 0);

    /// <summary>Those of a run, in the lower half.</summary>
    public static uint OfRun(Words4 unit, int run) => ((run & 1) != 0 ? unit.Y : unit.X) >> ((run & 2) << 3);

    public static void Write(Span<uint> unit, int run, ushort bits) => unit[run & 1] |= (uint)bits << ((run & 2) << 3);
}

/// <summary>A word of each run.</summary>
internal static class RunWords
{
    public static Words4 Load(ArrayView<uint> weight, long unit, int run) => new(weight[unit + run], 0, 0, 0);

    /// <summary>Those of all runs.</summary>
    public static Words4 LoadUnit(ArrayView<uint> weight, long unit) => weight.Cast<Words4>()[unit >> 2];

    /// <summary>That of a run.</summary>
    public static uint OfRun(Words4 unit, int run)
    {
        uint low = (run & 1) != 0 ? unit.Y : unit.X;
        uint high = (run & 1) != 0 ? unit.W : unit.Z;
        return (run & 2) != 0 ? high : low;
    }
}
