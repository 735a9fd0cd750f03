using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Sampling;

/// <summary>
/// Compares 16 floats with a bound, in the widest vectors that the machine has: bit i of a result is set where element i passes. Wider
/// vectors than it has would go through memory.
/// </summary>
internal static class Comparisons
{
    /// <summary>Floats compared at once.</summary>
    public const int Count = 16;

    /// <summary>A comparison of the lanes of a vector, at each width.</summary>
    internal interface IComparison
    {
        static abstract Vector512<float> Of(Vector512<float> values, Vector512<float> bound);

        static abstract Vector256<float> Of(Vector256<float> values, Vector256<float> bound);

        static abstract Vector128<float> Of(Vector128<float> values, Vector128<float> bound);
    }

    /// <summary>Elements from <paramref name="index"/> on that are greater.</summary>
    public static uint Greater(ReadOnlySpan<float> values, int index, float bound) => Bits<IsGreater>(values, index, bound);

    /// <summary>Elements that are greater or equal.</summary>
    public static uint GreaterOrEqual(ReadOnlySpan<float> values, int index, float bound) => Bits<IsGreaterOrEqual>(values, index, bound);

    /// <summary>Elements that are equal.</summary>
    public static uint Equal(ReadOnlySpan<float> values, int index, float bound) => Bits<IsEqual>(values, index, bound);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits<T>(ReadOnlySpan<float> values, int index, float bound)
        where T : struct, IComparison
    {
        ref float first = ref MemoryMarshal.GetReference(values.Slice(index, Count));
        if (Vector512.IsHardwareAccelerated)
        {
            return (uint)T.Of(Vector512.LoadUnsafe(ref first), Vector512.Create(bound)).ExtractMostSignificantBits();
        }

        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<float> eight = Vector256.Create(bound);
            return T.Of(Vector256.LoadUnsafe(ref first), eight).ExtractMostSignificantBits()
                | (T.Of(Vector256.LoadUnsafe(ref first, 8), eight).ExtractMostSignificantBits() << 8);
        }

        Vector128<float> four = Vector128.Create(bound);
        return T.Of(Vector128.LoadUnsafe(ref first), four).ExtractMostSignificantBits()
            | (T.Of(Vector128.LoadUnsafe(ref first, 4), four).ExtractMostSignificantBits() << 4)
            | (T.Of(Vector128.LoadUnsafe(ref first, 8), four).ExtractMostSignificantBits() << 8)
            | (T.Of(Vector128.LoadUnsafe(ref first, 12), four).ExtractMostSignificantBits() << 12);
    }

    private readonly struct IsGreater : IComparison
    {
        public static Vector512<float> Of(Vector512<float> values, Vector512<float> bound) => Vector512.GreaterThan(values, bound);

        public static Vector256<float> Of(Vector256<float> values, Vector256<float> bound) => Vector256.GreaterThan(values, bound);

        public static Vector128<float> Of(Vector128<float> values, Vector128<float> bound) => Vector128.GreaterThan(values, bound);
    }

    private readonly struct IsGreaterOrEqual : IComparison
    {
        public static Vector512<float> Of(Vector512<float> values, Vector512<float> bound) => Vector512.GreaterThanOrEqual(values, bound);

        public static Vector256<float> Of(Vector256<float> values, Vector256<float> bound) => Vector256.GreaterThanOrEqual(values, bound);

        public static Vector128<float> Of(Vector128<float> values, Vector128<float> bound) => Vector128.GreaterThanOrEqual(values, bound);
    }

    private readonly struct IsEqual : IComparison
    {
        public static Vector512<float> Of(Vector512<float> values, Vector512<float> bound) => Vector512.Equals(values, bound);

        public static Vector256<float> Of(Vector256<float> values, Vector256<float> bound) => Vector256.Equals(values, bound);

        public static Vector128<float> Of(Vector128<float> values, Vector128<float> bound) => Vector128.Equals(values, bound);
    }
}
