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
}
