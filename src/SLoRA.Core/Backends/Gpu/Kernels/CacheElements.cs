using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How keys and values become bfloat16 numbers whose sum they are, which tensor cores multiply without rounding; a type parameter.
/// </summary>
/// <typeparam name="TStored">What elements lie in memory as.</typeparam>
internal interface ICacheElements<TStored>
    where TStored : unmanaged
{
    /// <summary>Terms of an element, one or two.</summary>
    static abstract int Terms { get; }

    /// <summary>Whether the elements of a token have a scale.</summary>
    static abstract bool HasScales { get; }

    /// <summary>A unit of eight elements, in one load.</summary>
    static abstract Words4 Load(ArrayView<TStored> pool, long unit);

    /// <summary>The first term of each.</summary>
    static abstract Words4 First(Words4 unit);

    /// <summary>The second, where there are two.</summary>
    static abstract Words4 Second(Words4 unit);

    /// <summary>Ones in the place of each element that is not finite; of those that have scales none.</summary>
    static abstract Words4 NotFinite(Words4 unit);

    /// <summary>A scale, which lies so many words behind the beginning of a unit.</summary>
    static abstract float Scale(ArrayView<TStored> pool, long unit, int word);
}

/// <summary>bfloat16: one term, as it lies.</summary>
internal readonly struct Bf16Cache : ICacheElements<ushort>
{
    public static int Terms => 1;

    public static bool HasScales => false;

    public static Words4 Load(ArrayView<ushort> pool, long unit) => pool.Cast<Words4>()[unit];

    public static Words4 First(Words4 unit) => unit;

    public static Words4 Second(Words4 unit) => unit;

    public static Words4 NotFinite(Words4 unit) => CacheExponents.AllOnes(unit, 0x7F80u, 0x0080u);

    public static float Scale(ArrayView<ushort> pool, long unit, int word) => 1f;
}

/// <summary>Half precision: the upper 8 of its 11 bits, and the others.</summary>
internal readonly struct F16Cache : ICacheElements<ushort>
{
    public static int Terms => 2;

    public static bool HasScales => false;

    public static Words4 Load(ArrayView<ushort> pool, long unit) => pool.Cast<Words4>()[unit];

    public static Words4 First(Words4 unit) => new(First(unit.X), First(unit.Y), First(unit.Z), First(unit.W));

    public static Words4 Second(Words4 unit) => new(Second(unit.X), Second(unit.Y), Second(unit.Z), Second(unit.W));

    public static Words4 NotFinite(Words4 unit) => CacheExponents.AllOnes(unit, 0x7C00u, 0x0400u);

    public static float Scale(ArrayView<ushort> pool, long unit, int word) => 1f;

    private static uint First(uint pair) => Pair(HalfNumbers.WidenHalf(pair), HalfNumbers.WidenHalf(pair >> 16));

    private static uint Second(uint pair) => Pair(Rest(HalfNumbers.WidenHalf(pair)), Rest(HalfNumbers.WidenHalf(pair >> 16)));

    private static float Rest(float element) => element - Interop.IntAsFloat(Interop.FloatAsInt(element) & 0xFFFF0000u);

    private static uint Pair(float even, float odd) => (Interop.FloatAsInt(even) >> 16) | (Interop.FloatAsInt(odd) & 0xFFFF0000u);
}

/// <summary>Exponents of elements of 16 bits.</summary>
internal static class CacheExponents
{
    /// <summary>Ones in the place of each element whose exponent is all ones.</summary>
    /// <param name="unit">The elements.</param>
    /// <param name="exponent">The bits of an exponent, below the sign.</param>
    /// <param name="lowest">The lowest of them, which carries into the sign when all are ones.</param>
    public static Words4 AllOnes(Words4 unit, uint exponent, uint lowest) => new(
        AllOnes(unit.X, exponent, lowest), AllOnes(unit.Y, exponent, lowest), AllOnes(unit.Z, exponent, lowest),
        AllOnes(unit.W, exponent, lowest));

    private static uint AllOnes(uint pair, uint exponent, uint lowest)
    {
        uint carried = (pair & (exponent | (exponent << 16))) + (lowest | (lowest << 16));
        return ((carried >> 15) & 0x00010001u) * 0xFFFFu;
    }
}

/// <summary>Signed bytes, each a bfloat16 number, with a scale for a token of a head.</summary>
internal readonly struct IntegersCache : ICacheElements<uint>
{
    /// <summary>2²³: in this binade fp32 numbers are whole.</summary>
    private const uint Whole = 0x4B000000u;

    /// <summary>2²³, and what has made a signed byte an unsigned one.</summary>
    private const float Offset = 8388608f + 128f;

    public static int Terms => 1;

    public static bool HasScales => true;

    public static Words4 Load(ArrayView<uint> pool, long unit)
    {
        Words2 words = pool.Cast<Words2>()[unit];
        return new Words4(words.X ^ 0x80808080u, words.Y ^ 0x80808080u, 0, 0);
    }

    public static Words4 First(Words4 unit) => new(Pair(unit.X), Pair(unit.X >> 16), Pair(unit.Y), Pair(unit.Y >> 16));

    public static Words4 Second(Words4 unit) => unit;

    public static Words4 NotFinite(Words4 unit) => default;

    public static float Scale(ArrayView<uint> pool, long unit, int word) => Interop.IntAsFloat(pool[(unit << 1) + word]);

    /// <summary>The two lower bytes as bfloat16 numbers.</summary>
    private static uint Pair(uint bytes) => (Number(bytes) >> 16) | (Number(bytes >> 8) & 0xFFFF0000u);

    private static uint Number(uint bytes) => Interop.FloatAsInt(Interop.IntAsFloat((bytes & 0xFFu) | Whole) - Offset);
}

/// <summary>
/// Where keys and values lie in a page, in units of eight elements: a head's tokens <c>[pageTokens, tokenUnits]</c>, and behind them the
/// scales of those that have one.
/// </summary>
internal readonly struct CacheBlocks(
    int pageTokensLog2, int tokenUnits, int pageUnits, int keyUnit, int valueUnit, int headUnits, int scaleWord)
{
    public readonly int PageTokensLog2 = pageTokensLog2;

    /// <summary>From one token of a head to the next.</summary>
    public readonly int TokenUnits = tokenUnits;
    public readonly int PageUnits = pageUnits;
    public readonly int KeyUnit = keyUnit;
    public readonly int ValueUnit = valueUnit;

    /// <summary>From one head to the next.</summary>
    public readonly int HeadUnits = headUnits;

    /// <summary>From a head's first unit to its first scale, in words.</summary>
    public readonly int ScaleWord = scaleWord;

    /// <summary>The place of a position in its page.</summary>
    public int Slot(int position) => position & ((1 << PageTokensLog2) - 1);
}

/// <summary>Which positions of a key head a group reads, and which of them all of its queries see.</summary>
/// <param name="table">Where the page table begins.</param>
/// <param name="low">The first position that a query sees.</param>
/// <param name="high">The end of the positions.</param>
/// <param name="allLow">The first position that all queries see.</param>
/// <param name="allHigh">The end of those.</param>
internal readonly struct CacheRange(int table, int low, int high, int allLow, int allHigh)
{
    public readonly int Low = low;
    public readonly int High = high;
    private readonly int _table = table;
    private readonly int _allLow = allLow;
    private readonly int _allHigh = allHigh;

    /// <summary>Whether a position is one of them.</summary>
    public bool Has(int position) => position >= Low && position < High;

    /// <summary>Whether positions from one on are.</summary>
    public bool Has(int position, int count) => position >= Low && position + count <= High;

    /// <summary>Whether all queries see the positions from one on.</summary>
    public bool AllSee(int position, int count) => position >= _allLow && position + count <= _allHigh;

    /// <summary>Whether some queries see a position of those from one on that others do not.</summary>
    public bool Divides(int position, int count) =>
        (_allLow > Low && position < _allLow) || (_allHigh < High && position + count > _allHigh);

    /// <summary>
    /// The first unit of the page of a position; of a position that is none of the group's, that of one that is. Pages have two tokens at
    /// least, so two that follow an even position share theirs.
    /// </summary>
    public long Page(ArrayView<int> pages, CacheBlocks blocks, int position)
    {
        int here = position > Low ? position : Low;
        here = here < High ? here : High - 1;
        return (long)pages[_table + (here >> blocks.PageTokensLog2)] * blocks.PageUnits;
    }
}
