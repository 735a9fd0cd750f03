namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>A type of the language. Registers hold 64 bits, of which a type means the lowest.</summary>
/// <param name="Kind">b, u, s, f or p.</param>
/// <param name="Bits">How many bits.</param>
internal sealed record PtxType(char Kind, int Bits)
{
    /// <summary>32 bits of anything.</summary>
    public static PtxType B32 { get; } = new('b', 32);

    /// <summary>Bytes in memory.</summary>
    public int Bytes => Bits / 8;

    /// <summary>The bits that count.</summary>
    public ulong Mask => Bits == 64 ? ulong.MaxValue : (1UL << Bits) - 1;

    /// <summary>The type of that name.</summary>
    public static PtxType? Find(string name) => name == "pred" ? new PtxType('p', 1)
        : name.Length is 2 or 3 && "busf".Contains(name[0], StringComparison.Ordinal) && int.TryParse(name.AsSpan(1), out int bits)
            ? new PtxType(name[0], bits) : null;

    /// <summary>As a signed number.</summary>
    public long Signed(ulong value) => (long)(value << (64 - Bits)) >> (64 - Bits);

    /// <summary>As an unsigned number.</summary>
    public ulong Unsigned(ulong value) => value & Mask;

    /// <summary>As a number of the type's own kind, in 128 bits.</summary>
    public Int128 Whole(ulong value) => Kind == 's' ? Signed(value) : Unsigned(value);

    /// <summary>As a floating-point number; exact.</summary>
    public double Real(ulong value) => Bits switch
    {
        16 => (double)BitConverter.UInt16BitsToHalf((ushort)value),
        32 => BitConverter.UInt32BitsToSingle((uint)value),
        _ => BitConverter.UInt64BitsToDouble(value),
    };

    /// <summary>The bits of a floating-point number, rounded to nearest.</summary>
    public ulong Of(double value) => Bits switch
    {
        16 => BitConverter.HalfToUInt16Bits((Half)value),
        32 => BitConverter.SingleToUInt32Bits((float)value),
        _ => BitConverter.DoubleToUInt64Bits(value),
    };
}
