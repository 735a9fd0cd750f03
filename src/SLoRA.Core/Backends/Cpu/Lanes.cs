using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Operations on 16 lanes whose result does not depend on how wide the machine's vectors are.</summary>
internal static unsafe class Lanes
{
    /// <summary>Lanes of every vector of the backend.</summary>
    public const int Count = 16;

    /// <summary>0, 1, 2, …, 15.</summary>
    public static Vector512<int> Indices
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }

    /// <summary>Adds the lanes as one fixed tree: halves onto each other until one is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> lanes)
    {
        Vector256<float> eight = lanes.GetLower() + lanes.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    /// <summary>The largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> lanes)
    {
        Vector256<float> eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[2]), MathF.Max(four[1], four[3]));
    }

    /// <summary>The first <paramref name="count"/> &lt; 16 elements, zeros behind them; reads nothing else.</summary>
    public static Vector512<float> LoadFirst(float* source, int count)
    {
        float* lanes = stackalloc float[Count];
        for (int i = 0; i < Count; i++)
        {
            lanes[i] = i < count ? source[i] : 0;
        }

        return Vector512.Load(lanes);
    }

    /// <summary>The first <paramref name="count"/> &lt; 16 elements widened, zeros behind them; reads nothing else.</summary>
    public static Vector512<float> LoadFirst<T>(byte* source, int count)
        where T : struct, IElements
    {
        float* lanes = stackalloc float[Count];
        for (int i = 0; i < Count; i++)
        {
            lanes[i] = i < count ? T.Load(source + (i * T.Size)) : 0;
        }

        return Vector512.Load(lanes);
    }

    /// <summary>Stores the first <paramref name="count"/> &lt; 16 lanes and touches nothing else.</summary>
    public static void StoreFirst(Vector512<float> lanes, float* destination, int count)
    {
        for (int i = 0; i < count; i++)
        {
            destination[i] = lanes[i];
        }
    }

    /// <summary>
    /// eˣ lane by lane, within 2 units in the last place; 0 below −87.3, and the largest argument is taken to be 88.3.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x) => Vector512.IsHardwareAccelerated
        ? ExpWide(x)
        : Vector512.Create(ExpHalf(x.GetLower()), ExpHalf(x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ExpWide(Vector512<float> x)
    {
        // x = n ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts so that the subtraction is exact; e^r by its polynomial. Adding 1.5 · 2²³
        // rounds to n and leaves n in the low bits, from where a shift takes it to the exponent. The operands of the minimum and the maximum
        // are in the order that lets NaN through.
        Vector512<float> clamped = Vector512.MinNative(Vector512.Create(88.3f), Vector512.MaxNative(Vector512.Create(-87.4f), x));
        Vector512<float> shifter = Vector512.Create(12582912f);
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(clamped, Vector512.Create(1.44269504f), shifter);
        Vector512<float> n = shifted - shifter;
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), clamped);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        Vector512<float> power = ((shifted.AsInt32() << 23) + Vector512<float>.One.AsInt32()).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87.3f)), Vector512<float>.Zero, p * power);
    }

    // The same operations, lane by lane; vectors of 512 bits would go through memory here.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ExpHalf(Vector256<float> x)
    {
        Vector256<float> clamped = Vector256.MinNative(Vector256.Create(88.3f), Vector256.MaxNative(Vector256.Create(-87.4f), x));
        Vector256<float> shifter = Vector256.Create(12582912f);
        Vector256<float> shifted = Vector256.FusedMultiplyAdd(clamped, Vector256.Create(1.44269504f), shifter);
        Vector256<float> n = shifted - shifter;
        Vector256<float> r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-0.693359375f), clamped);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(2.12194440e-4f), r);
        Vector256<float> p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(0.5f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r + Vector256<float>.One);
        Vector256<float> power = ((shifted.AsInt32() << 23) + Vector256<float>.One.AsInt32()).AsSingle();
        return Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(-87.3f)), Vector256<float>.Zero, p * power);
    }

    /// <summary>eˣ of one number, the same bits as in a lane.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static float Exp(float x) => Exp(Vector512.Create(x))[0];
}
