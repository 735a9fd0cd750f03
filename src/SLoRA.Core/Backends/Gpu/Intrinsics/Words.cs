namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>
/// Sixteen bytes that a thread moves at once; of two-byte elements the even ones lie in the lower halves. The fragment of a
/// <see cref="WarpProduct"/>'s left side, too.
/// </summary>
internal struct Words4(uint x, uint y, uint z, uint w)
{
    public uint X = x;
    public uint Y = y;
    public uint Z = z;
    public uint W = w;
}

/// <summary>The fragment of a <see cref="WarpProduct"/>'s right side.</summary>
internal struct Words2(uint x, uint y)
{
    public uint X = x;
    public uint Y = y;
}

/// <summary>Sixteen bytes of fp32.</summary>
internal struct Floats4
{
    public float X;
    public float Y;
    public float Z;
    public float W;
}
