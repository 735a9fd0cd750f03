namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>A lane's share of 32 × 8 sums: tiles of rows 0 to 15 and 16 to 31, in the layout of <see cref="WarpProduct"/>.</summary>
internal struct Sums32x8
{
    public Floats4 Upper;
    public Floats4 Lower;

    /// <summary>Adds others.</summary>
    public void Add(Sums32x8 other)
    {
        Upper.X += other.Upper.X;
        Upper.Y += other.Upper.Y;
        Upper.Z += other.Upper.Z;
        Upper.W += other.Upper.W;
        Lower.X += other.Lower.X;
        Lower.Y += other.Lower.Y;
        Lower.Z += other.Lower.Z;
        Lower.W += other.Lower.W;
    }
}

/// <summary>A lane's share of 32 × 32 sums, by rows of the right side.</summary>
internal struct Sums32x32
{
    public Sums32x8 Rows0;
    public Sums32x8 Rows8;
    public Sums32x8 Rows16;
    public Sums32x8 Rows24;

    /// <summary>Adds others.</summary>
    public void Add(Sums32x32 other)
    {
        Rows0.Add(other.Rows0);
        Rows8.Add(other.Rows8);
        Rows16.Add(other.Rows16);
        Rows24.Add(other.Rows24);
    }
}
