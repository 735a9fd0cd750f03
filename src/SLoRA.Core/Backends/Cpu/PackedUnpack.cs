using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Packed weights as the int8 product reads them: integers less the code of zero, scales as fp32 (<see cref="Int8Layout{T}"/>), and the
/// offsets of all groups as fp32, <c>[groups][16]</c>.
/// </summary>
internal static unsafe class PackedUnpack
{
    /// <summary>Unpacks one panel.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="groups">Its groups.</param>
    /// <param name="integers">Where the integers and scales go.</param>
    /// <param name="offsets">Where the offsets go, if there are some.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Panel<TCodes, TScales, T>(byte* panel, int groups, byte* integers, float* offsets)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        float* shared = stackalloc float[PackedScalesOf<TCodes, TScales, T>.SharedFloats];
        byte* group = panel;
        for (int g = 0; g < groups; g++)
        {
            if (Avx512Vbmi.IsSupported)
            {
                Integers512<TCodes, TScales, T>(group, integers);
            }
            else
            {
                Integers256<TCodes, TScales, T>(group, integers);
            }

            PackedScalesOf<TCodes, TScales, T>.Read(
                panel, groups, g, 0, shared, (float*)(integers + Int8Layout<T>.IntegerBytes), offsets);
            group += PackedLayout<TCodes, TScales, T>.GroupBytes;
            integers += Int8Layout<T>.GroupBytes;
            offsets += TScales.HasOffsets ? CpuMatrix.PanelOutputs : 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Integers512<TCodes, TScales, T>(byte* group, byte* integers)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        // Lower bytes of all words, then upper ones: two rows of a pair each.
        Vector512<byte> order = Vector512.Create(
            (byte)0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62,
            1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63);
        Vector512<byte> four = Vector512.Create((byte)0x0F);
        Vector512<byte> zero = Vector512.Create((byte)TCodes.Zero);
        Vector512<ushort> high = TCodes.HighBits == 0
            ? default
            : Vector512.Load((ushort*)(group + PackedLayout<TCodes, TScales, T>.HighAt));
        for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
        {
            Vector512<byte> nibbles = Vector512.Load(group + (i * PackedLayout<TCodes, TScales, T>.PlaneBytes));
            Vector512<byte> lower = nibbles & four;
            Vector512<byte> upper = (nibbles.AsUInt16() >>> 4).AsByte() & four;
            if (TCodes.HighBits > 0)
            {
                (Vector512<ushort> first, Vector512<ushort> second) = High<TCodes>(high);
                lower |= first.AsByte();
                upper |= second.AsByte();
                high >>>= 4 * TCodes.HighBits;
            }

            lower = Avx512Vbmi.PermuteVar64x8(lower, order);
            upper = Avx512Vbmi.PermuteVar64x8(upper, order);
            (TCodes.Zero == 0 ? lower : lower - zero).Store(integers);
            (TCodes.Zero == 0 ? upper : upper - zero).Store(integers + 64);
            integers += 4 * Int8Layout.PairBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Integers256<TCodes, TScales, T>(byte* group, byte* integers)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        Vector256<byte> zero = Vector256.Create((byte)TCodes.Zero);
        var plane = (ushort*)group;
        var highs = (ushort*)(group + PackedLayout<TCodes, TScales, T>.HighAt);
        Vector256<ushort> highA = TCodes.HighBits == 0 ? default : Vector256.Load(highs);
        Vector256<ushort> highB = TCodes.HighBits == 0 ? default : Vector256.Load(highs + 16);
        for (int i = 0; i < T.Pairs / PackedLayout<TCodes, TScales, T>.PairsOfNibbles; i++)
        {
            PackedCodes.Split<TCodes>(
                Vector256.Load(plane), highA,
                out Vector256<short> a0, out Vector256<short> a1, out Vector256<short> a2, out Vector256<short> a3);
            PackedCodes.Split<TCodes>(
                Vector256.Load(plane + 16), highB,
                out Vector256<short> b0, out Vector256<short> b1, out Vector256<short> b2, out Vector256<short> b3);
            (Vector256.Narrow(a0.AsUInt16(), b0.AsUInt16()) - zero).Store(integers);
            (Vector256.Narrow(a1.AsUInt16() >>> PackedCodes.Pair1Shift, b1.AsUInt16() >>> PackedCodes.Pair1Shift) - zero)
                .Store(integers + Int8Layout.PairBytes);
            (Vector256.Narrow(a2.AsUInt16() >>> PackedCodes.Pair2Shift, b2.AsUInt16() >>> PackedCodes.Pair2Shift) - zero)
                .Store(integers + (2 * Int8Layout.PairBytes));
            (Vector256.Narrow(a3.AsUInt16(), b3.AsUInt16()) - zero).Store(integers + (3 * Int8Layout.PairBytes));
            highA >>>= 4 * TCodes.HighBits;
            highB >>>= 4 * TCodes.HighBits;
            plane += 32;
            integers += 4 * Int8Layout.PairBytes;
        }
    }

    /// <summary>The upper bits of pairs 0 (lower bytes) and 1, and of pairs 2 and 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<ushort> First, Vector512<ushort> Second) High<TCodes>(Vector512<ushort> high)
        where TCodes : struct, IPackedCodes
    {
        if (TCodes.HighBits == 1)
        {
            Vector512<ushort> low = Vector512.Create((ushort)0x0010), up = Vector512.Create((ushort)0x1000);
            return (((high << 4) & low) | ((high << 11) & up), ((high << 2) & low) | ((high << 9) & up));
        }
        else
        {
            Vector512<ushort> low = Vector512.Create((ushort)0x0030), up = Vector512.Create((ushort)0x3000);
            return (((high << 4) & low) | ((high << 10) & up), (high & low) | ((high << 6) & up));
        }
    }
}
