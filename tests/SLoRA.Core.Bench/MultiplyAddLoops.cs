using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>
/// Loops of multiply-adds on registers, 12 chains each, counted as two operations per product. A weak loop would flatter whatever is
/// compared with it, so there are several, and the best counts.
/// </summary>
internal static class MultiplyAddLoops
{
    private const int Rounds = 100_000;

    /// <summary>fp32 loops: operations of a call, and the call.</summary>
    public static (double Operations, Action Run)[] Floats { get; } =
        MultiplyAdd.IsFused
            ? [(2.0 * 12 * Rounds * 16, () => Fused512(1)), (2.0 * 12 * Rounds * 8, () => Fused256(1))]
            : [(2.0 * 12 * Rounds * 4, () => Apart128(1))];

    /// <summary>Integer loops that end in 32-bit sums: 16-bit pairs, and where the processor has them 8-bit products.</summary>
    public static (double Operations, Action Run)[] Integers { get; } = [.. IntegerLoops()];

    private static IEnumerable<(double Operations, Action Run)> IntegerLoops()
    {
        yield return (2.0 * 12 * Rounds * 32, () => Pairs512(1));
        yield return (2.0 * 12 * Rounds * 16, () => Pairs256(1));
        if (Avx512BW.IsSupported)
        {
            yield return (2.0 * 12 * Rounds * 64, () => Quads512(1));
        }

        if (Avx2.IsSupported)
        {
            yield return (2.0 * 12 * Rounds * 32, () => Quads256(1));
        }

        if (AvxVnni.IsSupported)
        {
            yield return (2.0 * 12 * Rounds * 32, () => Vnni256(1));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Fused512(float factor)
    {
        Vector512<float> f = Vector512.Create(factor);
        Vector512<float> a0 = f, a1 = f, a2 = f, a3 = f, a4 = f, a5 = f, a6 = f, a7 = f, a8 = f, a9 = f, a10 = f, a11 = f;
        for (int round = 0; round < Rounds; round++)
        {
            a0 = Vector512.FusedMultiplyAdd(a0, f, f);
            a1 = Vector512.FusedMultiplyAdd(a1, f, f);
            a2 = Vector512.FusedMultiplyAdd(a2, f, f);
            a3 = Vector512.FusedMultiplyAdd(a3, f, f);
            a4 = Vector512.FusedMultiplyAdd(a4, f, f);
            a5 = Vector512.FusedMultiplyAdd(a5, f, f);
            a6 = Vector512.FusedMultiplyAdd(a6, f, f);
            a7 = Vector512.FusedMultiplyAdd(a7, f, f);
            a8 = Vector512.FusedMultiplyAdd(a8, f, f);
            a9 = Vector512.FusedMultiplyAdd(a9, f, f);
            a10 = Vector512.FusedMultiplyAdd(a10, f, f);
            a11 = Vector512.FusedMultiplyAdd(a11, f, f);
        }

        return Vector512.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Fused256(float factor)
    {
        Vector256<float> f = Vector256.Create(factor);
        Vector256<float> a0 = f, a1 = f, a2 = f, a3 = f, a4 = f, a5 = f, a6 = f, a7 = f, a8 = f, a9 = f, a10 = f, a11 = f;
        for (int round = 0; round < Rounds; round++)
        {
            a0 = Vector256.FusedMultiplyAdd(a0, f, f);
            a1 = Vector256.FusedMultiplyAdd(a1, f, f);
            a2 = Vector256.FusedMultiplyAdd(a2, f, f);
            a3 = Vector256.FusedMultiplyAdd(a3, f, f);
            a4 = Vector256.FusedMultiplyAdd(a4, f, f);
            a5 = Vector256.FusedMultiplyAdd(a5, f, f);
            a6 = Vector256.FusedMultiplyAdd(a6, f, f);
            a7 = Vector256.FusedMultiplyAdd(a7, f, f);
            a8 = Vector256.FusedMultiplyAdd(a8, f, f);
            a9 = Vector256.FusedMultiplyAdd(a9, f, f);
            a10 = Vector256.FusedMultiplyAdd(a10, f, f);
            a11 = Vector256.FusedMultiplyAdd(a11, f, f);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Apart128(float factor)
    {
        Vector128<float> f = Vector128.Create(factor);
        Vector128<float> a0 = f, a1 = f, a2 = f, a3 = f, a4 = f, a5 = f, a6 = f, a7 = f, a8 = f, a9 = f, a10 = f, a11 = f;
        for (int round = 0; round < Rounds; round++)
        {
            a0 = MultiplyAdd.Of(a0, f, f);
            a1 = MultiplyAdd.Of(a1, f, f);
            a2 = MultiplyAdd.Of(a2, f, f);
            a3 = MultiplyAdd.Of(a3, f, f);
            a4 = MultiplyAdd.Of(a4, f, f);
            a5 = MultiplyAdd.Of(a5, f, f);
            a6 = MultiplyAdd.Of(a6, f, f);
            a7 = MultiplyAdd.Of(a7, f, f);
            a8 = MultiplyAdd.Of(a8, f, f);
            a9 = MultiplyAdd.Of(a9, f, f);
            a10 = MultiplyAdd.Of(a10, f, f);
            a11 = MultiplyAdd.Of(a11, f, f);
        }

        return Vector128.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Pairs512(short factor)
    {
        Vector512<short> f = Vector512.Create(factor);
        Vector512<int> a0 = f.AsInt32(), a1 = f.AsInt32(), a2 = f.AsInt32(), a3 = f.AsInt32(), a4 = f.AsInt32(), a5 = f.AsInt32(),
            a6 = f.AsInt32(), a7 = f.AsInt32(), a8 = f.AsInt32(), a9 = f.AsInt32(), a10 = f.AsInt32(), a11 = f.AsInt32();
        for (int round = 0; round < Rounds; round++)
        {
            a0 += Int8Dot.Multiply(a5.AsInt16(), f);
            a1 += Int8Dot.Multiply(a6.AsInt16(), f);
            a2 += Int8Dot.Multiply(a7.AsInt16(), f);
            a3 += Int8Dot.Multiply(a8.AsInt16(), f);
            a4 += Int8Dot.Multiply(a9.AsInt16(), f);
            a5 += Int8Dot.Multiply(a10.AsInt16(), f);
            a6 += Int8Dot.Multiply(a11.AsInt16(), f);
            a7 += Int8Dot.Multiply(a0.AsInt16(), f);
            a8 += Int8Dot.Multiply(a1.AsInt16(), f);
            a9 += Int8Dot.Multiply(a2.AsInt16(), f);
            a10 += Int8Dot.Multiply(a3.AsInt16(), f);
            a11 += Int8Dot.Multiply(a4.AsInt16(), f);
        }

        return Vector512.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Pairs256(short factor)
    {
        Vector256<short> f = Vector256.Create(factor);
        Vector256<int> a0 = f.AsInt32(), a1 = f.AsInt32(), a2 = f.AsInt32(), a3 = f.AsInt32(), a4 = f.AsInt32(), a5 = f.AsInt32(),
            a6 = f.AsInt32(), a7 = f.AsInt32(), a8 = f.AsInt32(), a9 = f.AsInt32(), a10 = f.AsInt32(), a11 = f.AsInt32();
        for (int round = 0; round < Rounds; round++)
        {
            a0 = Int8Dot.Add(a0, a5.AsInt16(), f);
            a1 = Int8Dot.Add(a1, a6.AsInt16(), f);
            a2 = Int8Dot.Add(a2, a7.AsInt16(), f);
            a3 = Int8Dot.Add(a3, a8.AsInt16(), f);
            a4 = Int8Dot.Add(a4, a9.AsInt16(), f);
            a5 = Int8Dot.Add(a5, a10.AsInt16(), f);
            a6 = Int8Dot.Add(a6, a11.AsInt16(), f);
            a7 = Int8Dot.Add(a7, a0.AsInt16(), f);
            a8 = Int8Dot.Add(a8, a1.AsInt16(), f);
            a9 = Int8Dot.Add(a9, a2.AsInt16(), f);
            a10 = Int8Dot.Add(a10, a3.AsInt16(), f);
            a11 = Int8Dot.Add(a11, a4.AsInt16(), f);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Quads512(short factor)
    {
        Vector512<short> f = Vector512.Create(factor);
        Vector512<int> a0 = f.AsInt32(), a1 = f.AsInt32(), a2 = f.AsInt32(), a3 = f.AsInt32(), a4 = f.AsInt32(), a5 = f.AsInt32(),
            a6 = f.AsInt32(), a7 = f.AsInt32(), a8 = f.AsInt32(), a9 = f.AsInt32(), a10 = f.AsInt32(), a11 = f.AsInt32();
        for (int round = 0; round < Rounds; round++)
        {
            a0 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a5.AsByte(), f.AsSByte()), f);
            a1 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a6.AsByte(), f.AsSByte()), f);
            a2 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a7.AsByte(), f.AsSByte()), f);
            a3 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a8.AsByte(), f.AsSByte()), f);
            a4 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a9.AsByte(), f.AsSByte()), f);
            a5 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a10.AsByte(), f.AsSByte()), f);
            a6 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a11.AsByte(), f.AsSByte()), f);
            a7 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a0.AsByte(), f.AsSByte()), f);
            a8 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a1.AsByte(), f.AsSByte()), f);
            a9 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a2.AsByte(), f.AsSByte()), f);
            a10 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a3.AsByte(), f.AsSByte()), f);
            a11 += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(a4.AsByte(), f.AsSByte()), f);
        }

        return Vector512.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Quads256(short factor)
    {
        Vector256<short> f = Vector256.Create(factor);
        Vector256<int> a0 = f.AsInt32(), a1 = f.AsInt32(), a2 = f.AsInt32(), a3 = f.AsInt32(), a4 = f.AsInt32(), a5 = f.AsInt32(),
            a6 = f.AsInt32(), a7 = f.AsInt32(), a8 = f.AsInt32(), a9 = f.AsInt32(), a10 = f.AsInt32(), a11 = f.AsInt32();
        for (int round = 0; round < Rounds; round++)
        {
            a0 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a5.AsByte(), f.AsSByte()), f);
            a1 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a6.AsByte(), f.AsSByte()), f);
            a2 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a7.AsByte(), f.AsSByte()), f);
            a3 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a8.AsByte(), f.AsSByte()), f);
            a4 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a9.AsByte(), f.AsSByte()), f);
            a5 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a10.AsByte(), f.AsSByte()), f);
            a6 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a11.AsByte(), f.AsSByte()), f);
            a7 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a0.AsByte(), f.AsSByte()), f);
            a8 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a1.AsByte(), f.AsSByte()), f);
            a9 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a2.AsByte(), f.AsSByte()), f);
            a10 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a3.AsByte(), f.AsSByte()), f);
            a11 += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(a4.AsByte(), f.AsSByte()), f);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Vnni256(short factor)
    {
        Vector256<sbyte> f = Vector256.Create(factor).AsSByte();
        Vector256<int> a0 = f.AsInt32(), a1 = f.AsInt32(), a2 = f.AsInt32(), a3 = f.AsInt32(), a4 = f.AsInt32(), a5 = f.AsInt32(),
            a6 = f.AsInt32(), a7 = f.AsInt32(), a8 = f.AsInt32(), a9 = f.AsInt32(), a10 = f.AsInt32(), a11 = f.AsInt32();
        for (int round = 0; round < Rounds; round++)
        {
            a0 = AvxVnni.MultiplyWideningAndAdd(a0, a5.AsByte(), f);
            a1 = AvxVnni.MultiplyWideningAndAdd(a1, a6.AsByte(), f);
            a2 = AvxVnni.MultiplyWideningAndAdd(a2, a7.AsByte(), f);
            a3 = AvxVnni.MultiplyWideningAndAdd(a3, a8.AsByte(), f);
            a4 = AvxVnni.MultiplyWideningAndAdd(a4, a9.AsByte(), f);
            a5 = AvxVnni.MultiplyWideningAndAdd(a5, a10.AsByte(), f);
            a6 = AvxVnni.MultiplyWideningAndAdd(a6, a11.AsByte(), f);
            a7 = AvxVnni.MultiplyWideningAndAdd(a7, a0.AsByte(), f);
            a8 = AvxVnni.MultiplyWideningAndAdd(a8, a1.AsByte(), f);
            a9 = AvxVnni.MultiplyWideningAndAdd(a9, a2.AsByte(), f);
            a10 = AvxVnni.MultiplyWideningAndAdd(a10, a3.AsByte(), f);
            a11 = AvxVnni.MultiplyWideningAndAdd(a11, a4.AsByte(), f);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }
}
