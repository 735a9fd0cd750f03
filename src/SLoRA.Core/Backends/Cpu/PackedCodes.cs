using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// How many bits the codes of packed weights have, and which of them stands for zero. A type parameter of the layout and its kernels
/// (<see cref="PackedLayout{TCodes,TScales,T}"/>). The lower four bits of a code are in the plane of nibbles, the others in another.
/// </summary>
internal interface IPackedCodes
{
    /// <summary>Bits beyond the lower four.</summary>
    static abstract int HighBits { get; }

    /// <summary>The code of zero; 0 where weights have offsets.</summary>
    static abstract int Zero { get; }
}

/// <summary>Codes of four bits whose weights have offsets.</summary>
internal readonly struct FourBits : IPackedCodes
{
    public static int HighBits => 0;

    public static int Zero => 0;
}

/// <summary>Codes of four bits around 8.</summary>
internal readonly struct FourBitsAround8 : IPackedCodes
{
    public static int HighBits => 0;

    public static int Zero => 8;
}

/// <summary>Codes of three bits around 4, kept in four.</summary>
internal readonly struct FourBitsAround4 : IPackedCodes
{
    public static int HighBits => 0;

    public static int Zero => 4;
}

/// <summary>Codes of five bits whose weights have offsets.</summary>
internal readonly struct FiveBits : IPackedCodes
{
    public static int HighBits => 1;

    public static int Zero => 0;
}

/// <summary>Codes of five bits around 16.</summary>
internal readonly struct FiveBitsAround16 : IPackedCodes
{
    public static int HighBits => 1;

    public static int Zero => 16;
}

/// <summary>Codes of six bits around 32.</summary>
internal readonly struct SixBitsAround32 : IPackedCodes
{
    public static int HighBits => 2;

    public static int Zero => 32;
}

/// <summary>
/// Codes out of their planes. A word of the nibbles has those of one output and of one input out of each of four pairs: pair 0 in bits
/// 0–3, pair 1 in bits 8–11, pair 2 in bits 4–7, pair 3 in bits 12–15. The words of the other plane come shifted, so that the bits of those
/// four pairs are the lowest, in order.
/// </summary>
/// <remarks>
/// Codes stay where a mask leaves them, which saves shifts: those of pair 1 come times 256, those of pair 2 times 16. Their products are
/// summed apart, <see cref="Pair1Shift"/> and <see cref="Pair2Shift"/> bring the sums of a group back, and none leaves 32 bits: 256 · 31 ·
/// 32767 · 8 inputs of a group, or 256 · 63 · 32767 · 4.
/// </remarks>
internal static class PackedCodes
{
    /// <summary>By how many bits sums of pair 1 are too large.</summary>
    public const int Pair1Shift = 8;

    /// <summary>By how many bits sums of pair 2 are too large.</summary>
    public const int Pair2Shift = 4;

    /// <summary>The words of four pairs of inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split<T>(
        Vector512<ushort> nibbles, Vector512<ushort> high,
        out Vector512<short> pair0, out Vector512<short> pair1, out Vector512<short> pair2, out Vector512<short> pair3)
        where T : struct, IPackedCodes
    {
        Vector512<ushort> p0 = nibbles & Vector512.Create((ushort)0x000F), p1 = nibbles & Vector512.Create((ushort)0x0F00);
        Vector512<ushort> p2 = nibbles & Vector512.Create((ushort)0x00F0), p3 = nibbles >>> 12;
        if (T.HighBits == 1)
        {
            p0 |= (high << 4) & Vector512.Create((ushort)0x0010);
            p1 |= (high << 11) & Vector512.Create((ushort)0x1000);
            p2 |= (high << 6) & Vector512.Create((ushort)0x0100);
            p3 |= (high << 1) & Vector512.Create((ushort)0x0010);
        }
        else if (T.HighBits == 2)
        {
            p0 |= (high << 4) & Vector512.Create((ushort)0x0030);
            p1 |= (high << 10) & Vector512.Create((ushort)0x3000);
            p2 |= (high << 4) & Vector512.Create((ushort)0x0300);
            p3 |= (high >>> 2) & Vector512.Create((ushort)0x0030);
        }

        (pair0, pair1, pair2, pair3) = (p0.AsInt16(), p1.AsInt16(), p2.AsInt16(), p3.AsInt16());
    }

    /// <summary>The same for outputs 8 half … 8 half + 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split<T>(
        Vector256<ushort> nibbles, Vector256<ushort> high,
        out Vector256<short> pair0, out Vector256<short> pair1, out Vector256<short> pair2, out Vector256<short> pair3)
        where T : struct, IPackedCodes
    {
        Vector256<ushort> p0 = nibbles & Vector256.Create((ushort)0x000F), p1 = nibbles & Vector256.Create((ushort)0x0F00);
        Vector256<ushort> p2 = nibbles & Vector256.Create((ushort)0x00F0), p3 = nibbles >>> 12;
        if (T.HighBits == 1)
        {
            p0 |= (high << 4) & Vector256.Create((ushort)0x0010);
            p1 |= (high << 11) & Vector256.Create((ushort)0x1000);
            p2 |= (high << 6) & Vector256.Create((ushort)0x0100);
            p3 |= (high << 1) & Vector256.Create((ushort)0x0010);
        }
        else if (T.HighBits == 2)
        {
            p0 |= (high << 4) & Vector256.Create((ushort)0x0030);
            p1 |= (high << 10) & Vector256.Create((ushort)0x3000);
            p2 |= (high << 4) & Vector256.Create((ushort)0x0300);
            p3 |= (high >>> 2) & Vector256.Create((ushort)0x0030);
        }

        (pair0, pair1, pair2, pair3) = (p0.AsInt16(), p1.AsInt16(), p2.AsInt16(), p3.AsInt16());
    }

    /// <summary>The same for outputs 4 quarter … 4 quarter + 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split<T>(
        Vector128<ushort> nibbles, Vector128<ushort> high,
        out Vector128<short> pair0, out Vector128<short> pair1, out Vector128<short> pair2, out Vector128<short> pair3)
        where T : struct, IPackedCodes
    {
        Vector128<ushort> p0 = nibbles & Vector128.Create((ushort)0x000F), p1 = nibbles & Vector128.Create((ushort)0x0F00);
        Vector128<ushort> p2 = nibbles & Vector128.Create((ushort)0x00F0), p3 = nibbles >>> 12;
        if (T.HighBits == 1)
        {
            p0 |= (high << 4) & Vector128.Create((ushort)0x0010);
            p1 |= (high << 11) & Vector128.Create((ushort)0x1000);
            p2 |= (high << 6) & Vector128.Create((ushort)0x0100);
            p3 |= (high << 1) & Vector128.Create((ushort)0x0010);
        }
        else if (T.HighBits == 2)
        {
            p0 |= (high << 4) & Vector128.Create((ushort)0x0030);
            p1 |= (high << 10) & Vector128.Create((ushort)0x3000);
            p2 |= (high << 4) & Vector128.Create((ushort)0x0300);
            p3 |= (high >>> 2) & Vector128.Create((ushort)0x0030);
        }

        (pair0, pair1, pair2, pair3) = (p0.AsInt16(), p1.AsInt16(), p2.AsInt16(), p3.AsInt16());
    }

    /// <summary>
    /// The codes as bytes, in quads of inputs for each of 8 outputs: those of inputs 0, 2, 1, 3 of the eight that a plane has, then those
    /// of 4, 6, 5, 7.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split<T>(
        Vector256<byte> nibbles, Vector256<ushort> high, out Vector256<byte> quad0, out Vector256<byte> quad1)
        where T : struct, IPackedCodes
    {
        Vector256<byte> four = Vector256.Create((byte)0x0F);
        Vector256<byte> q0 = nibbles & four, q1 = (nibbles.AsUInt16() >>> 4).AsByte() & four;
        if (T.HighBits == 1)
        {
            Vector256<ushort> low = Vector256.Create((ushort)0x0010), up = Vector256.Create((ushort)0x1000);
            q0 |= (((high << 4) & low) | ((high << 11) & up)).AsByte();
            q1 |= (((high << 2) & low) | ((high << 9) & up)).AsByte();
        }
        else if (T.HighBits == 2)
        {
            Vector256<ushort> low = Vector256.Create((ushort)0x0030), up = Vector256.Create((ushort)0x3000);
            q0 |= (((high << 4) & low) | ((high << 10) & up)).AsByte();
            q1 |= ((high & low) | ((high << 6) & up)).AsByte();
        }

        (quad0, quad1) = (q0, q1);
    }

    /// <summary>The same for all outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split<T>(
        Vector512<byte> nibbles, Vector512<ushort> high, out Vector512<byte> quad0, out Vector512<byte> quad1)
        where T : struct, IPackedCodes
    {
        Vector512<byte> four = Vector512.Create((byte)0x0F);
        Vector512<byte> q0 = nibbles & four, q1 = (nibbles.AsUInt16() >>> 4).AsByte() & four;
        if (T.HighBits == 1)
        {
            Vector512<ushort> low = Vector512.Create((ushort)0x0010), up = Vector512.Create((ushort)0x1000);
            q0 |= (((high << 4) & low) | ((high << 11) & up)).AsByte();
            q1 |= (((high << 2) & low) | ((high << 9) & up)).AsByte();
        }
        else if (T.HighBits == 2)
        {
            Vector512<ushort> low = Vector512.Create((ushort)0x0030), up = Vector512.Create((ushort)0x3000);
            q0 |= (((high << 4) & low) | ((high << 10) & up)).AsByte();
            q1 |= ((high & low) | ((high << 6) & up)).AsByte();
        }

        (quad0, quad1) = (q0, q1);
    }
}
