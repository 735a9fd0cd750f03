namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>A lane's share of 32 × 8 sums: tiles of rows 0 to 15 and 16 to 31, in the layout of <see cref="WarpProduct"/>.</summary>
internal struct Sums32x8
{
    public Floats4 Upper;
    public Floats4 Lower;
}

/// <summary>A lane's share of 16 × 16 sums, by columns 0 to 7 and 8 to 15.</summary>
internal struct Sums16x16
{
    public Floats4 Left;
    public Floats4 Right;
}

/// <summary>A lane's share of 16 × 64 sums.</summary>
internal struct Sums16x64
{
    public Sums16x16 Columns0;
    public Sums16x16 Columns16;
    public Sums16x16 Columns32;
    public Sums16x16 Columns48;
}

/// <summary>A lane's shares of 16 × 8 sums, one for each term of the left side: chains that do not wait for each other.</summary>
internal struct TermSums
{
    public Floats4 First;
    public Floats4 Second;
    public Floats4 Third;
}
