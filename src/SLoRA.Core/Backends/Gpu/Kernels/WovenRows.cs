using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A lane's sums of rows g and g + 8 and two units of eight columns, 2t and 2t + 1, by columns of a unit.</summary>
internal struct UnitSums
{
    public Sums16x16 Columns0;
    public Sums16x16 Columns2;
    public Sums16x16 Columns4;
    public Sums16x16 Columns6;

    /// <summary>Unit 2t of row g.</summary>
    public readonly Eight First() => Unit(
        Columns0.Left.X, Columns0.Right.X, Columns2.Left.X, Columns2.Right.X, Columns4.Left.X, Columns4.Right.X, Columns6.Left.X,
        Columns6.Right.X);

    /// <summary>Unit 2t + 1 of row g.</summary>
    public readonly Eight Second() => Unit(
        Columns0.Left.Y, Columns0.Right.Y, Columns2.Left.Y, Columns2.Right.Y, Columns4.Left.Y, Columns4.Right.Y, Columns6.Left.Y,
        Columns6.Right.Y);

    /// <summary>Unit 2t of row g + 8.</summary>
    public readonly Eight LowerFirst() => Unit(
        Columns0.Left.Z, Columns0.Right.Z, Columns2.Left.Z, Columns2.Right.Z, Columns4.Left.Z, Columns4.Right.Z, Columns6.Left.Z,
        Columns6.Right.Z);

    /// <summary>Unit 2t + 1 of row g + 8.</summary>
    public readonly Eight LowerSecond() => Unit(
        Columns0.Left.W, Columns0.Right.W, Columns2.Left.W, Columns2.Right.W, Columns4.Left.W, Columns4.Right.W, Columns6.Left.W,
        Columns6.Right.W);

    private static Eight Unit(float c0, float c1, float c2, float c3, float c4, float c5, float c6, float c7)
    {
        Eight unit;
        unit.First.X = c0;
        unit.First.Y = c1;
        unit.First.Z = c2;
        unit.First.W = c3;
        unit.Second.X = c4;
        unit.Second.Y = c5;
        unit.Second.Z = c6;
        unit.Second.W = c7;
        return unit;
    }
}

/// <summary>
/// A product whose right side lies in memory the wrong way round, columns side by side and what is summed over in rows: lane (g, t) loads
/// eight columns, 8g to 8g + 7, of rows 2t, 2t + 1, 2t + 8 and 2t + 9 of 16; two rows woven together are a column's elements in one word.
/// </summary>
internal struct WovenRows
{
    public TileTerms Row0;
    public TileTerms Row1;
    public TileTerms Row8;
    public TileTerms Row9;
    public bool Has0;
    public bool Has1;
    public bool Has8;
    public bool Has9;

    /// <summary>Adds the product with a left side of three terms; rows that are not there count as zeros.</summary>
    public UnitSums AddTo(UnitSums sums, int terms, Words4 first, Words4 second, Words4 third)
    {
        for (int term = 0; term < terms; term++)
        {
            Words4 row0 = Row0.Take(terms, Has0);
            Words4 row1 = Row1.Take(terms, Has1);
            Words4 row8 = Row8.Take(terms, Has8);
            Words4 row9 = Row9.Take(terms, Has9);
            sums = AddTo(sums, first, second, third, row0, row1, row8, row9);
        }

        return sums;
    }

    /// <summary>The same of one term of rows that are there.</summary>
    public static UnitSums AddTo(
        UnitSums sums, Words4 first, Words4 second, Words4 third, Words4 row0, Words4 row1, Words4 row8, Words4 row9)
    {
        sums.Columns0 = Multiply(sums.Columns0, first, second, third, row0.X, row1.X, row8.X, row9.X);
        sums.Columns2 = Multiply(sums.Columns2, first, second, third, row0.Y, row1.Y, row8.Y, row9.Y);
        sums.Columns4 = Multiply(sums.Columns4, first, second, third, row0.Z, row1.Z, row8.Z, row9.Z);
        sums.Columns6 = Multiply(sums.Columns6, first, second, third, row0.W, row1.W, row8.W, row9.W);
        return sums;
    }

    /// <summary>The same with a left side of one term.</summary>
    public static UnitSums AddTo(UnitSums sums, Words4 left, Words4 row0, Words4 row1, Words4 row8, Words4 row9)
    {
        sums.Columns0 = Multiply(sums.Columns0, left, row0.X, row1.X, row8.X, row9.X);
        sums.Columns2 = Multiply(sums.Columns2, left, row0.Y, row1.Y, row8.Y, row9.Y);
        sums.Columns4 = Multiply(sums.Columns4, left, row0.Z, row1.Z, row8.Z, row9.Z);
        sums.Columns6 = Multiply(sums.Columns6, left, row0.W, row1.W, row8.W, row9.W);
        return sums;
    }

    /// <summary>Two columns of a unit.</summary>
    private static Sums16x16 Multiply(
        Sums16x16 sums, Words4 first, Words4 second, Words4 third, uint row0, uint row1, uint row8, uint row9)
    {
        var even = new Words2(Even(row0, row1), Even(row8, row9));
        var odd = new Words2(Odd(row0, row1), Odd(row8, row9));
        return WarpProduct.MultiplyTerms(sums, first, second, third, even, odd);
    }

    private static Sums16x16 Multiply(Sums16x16 sums, Words4 left, uint row0, uint row1, uint row8, uint row9)
    {
        var even = new Words2(Even(row0, row1), Even(row8, row9));
        var odd = new Words2(Odd(row0, row1), Odd(row8, row9));
        return WarpProduct.Multiply(sums, left, even, odd);
    }

    private static uint Even(uint row, uint next) => (row & 0xFFFFu) | (next << 16);

    private static uint Odd(uint row, uint next) => (row >> 16) | (next & 0xFFFF0000u);
}
