using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    /// <summary><see cref="Sum"/> of 16, 4 or 1 vectors, which is faster for many of them together.</summary>
    public static void Sums(Vector512<float>* vectors, int count, float* sums)
    {
        if (count == Count && Avx512F.IsSupported)
        {
            Sums16(vectors, sums);
            return;
        }

        int i = 0;
        for (; Sse.IsSupported && i + 4 <= count; i += 4)
        {
            Vector128<float> four01 = Halves(Quarter(vectors[i]), Quarter(vectors[i + 1]));
            Vector128<float> four23 = Halves(Quarter(vectors[i + 2]), Quarter(vectors[i + 3]));
            (Sse.Shuffle(four01, four23, 0x88) + Sse.Shuffle(four01, four23, 0xDD)).Store(sums + i);
        }

        for (; i < count; i++)
        {
            sums[i] = Sum(vectors[i]);
        }
    }

    /// <summary>The largest lane. Of zeros, either sign; where a lane is NaN, NaN or any other lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> lanes)
    {
        Vector256<float> eight = Vector256.MaxNative(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)))[0];
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

    /// <summary>Each step adds what <see cref="Sum"/> adds, for all vectors at once, and brings two vectors into one.</summary>
    private static void Sums16(Vector512<float>* v, float* sums)
    {
        Vector512<float> first = Halves(Fourths(v, 0), Fourths(v, 1));
        Vector512<float> second = Halves(Fourths(v, 2), Fourths(v, 3));
        (Avx512F.Shuffle(first, second, 0x88) + Avx512F.Shuffle(first, second, 0xDD)).Store(sums);
    }

    /// <summary>Four sums of fours of the lanes for each of vectors i, i + 4, i + 8 and i + 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fourths(Vector512<float>* v, int i)
    {
        Vector512<float> one = Avx512F.Shuffle4x128(v[i], v[i + 4], 0x44) + Avx512F.Shuffle4x128(v[i], v[i + 4], 0xEE);
        Vector512<float> two = Avx512F.Shuffle4x128(v[i + 8], v[i + 12], 0x44) + Avx512F.Shuffle4x128(v[i + 8], v[i + 12], 0xEE);
        return Avx512F.Shuffle4x128(one, two, 0x88) + Avx512F.Shuffle4x128(one, two, 0xDD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Halves(Vector512<float> a, Vector512<float> b) =>
        Avx512F.Shuffle(a, b, 0x44) + Avx512F.Shuffle(a, b, 0xEE);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halves(Vector128<float> a, Vector128<float> b) => Sse.Shuffle(a, b, 0x44) + Sse.Shuffle(a, b, 0xEE);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Quarter(Vector512<float> lanes)
    {
        Vector256<float> eight = lanes.GetLower() + lanes.GetUpper();
        return eight.GetLower() + eight.GetUpper();
    }

    /// <summary>Stores the first <paramref name="count"/> &lt; 16 lanes and touches nothing else.</summary>
    public static void StoreFirst(Vector512<float> lanes, float* destination, int count)
    {
        for (int i = 0; i < count; i++)
        {
            destination[i] = lanes[i];
        }
    }
}
