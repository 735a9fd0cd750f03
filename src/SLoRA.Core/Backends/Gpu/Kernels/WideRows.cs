using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Rows of two-byte elements in loads of 16 bytes.</summary>
internal static class WideRows
{
    /// <summary><c>Σ q[i] · row[i]</c>, i ascending, of a row that begins and ends at multiples of 16 bytes.</summary>
    public static float Dot<TElement>(ArrayView<ushort> pool, long row, int length, ArrayView<float> q)
        where TElement : struct, IStoredType<ushort>
    {
        ArrayView<Words4> words = pool.Cast<Words4>();
        float sum = 0;
        int i = 0;
        for (; i + 24 < length; i += 32)
        {
            // Four loads are under way before the first is used.
            long at = (row + i) >> 3;
            Words4 w0 = words[at];
            Words4 w1 = words[at + 1];
            Words4 w2 = words[at + 2];
            Words4 w3 = words[at + 3];
            sum = Add<TElement>(w0, q, i, sum);
            sum = Add<TElement>(w1, q, i + 8, sum);
            sum = Add<TElement>(w2, q, i + 16, sum);
            sum = Add<TElement>(w3, q, i + 24, sum);
        }

        for (; i < length; i += 8)
        {
            sum = Add<TElement>(words[(row + i) >> 3], q, i, sum);
        }

        return sum;
    }

    /// <summary>Eight elements from one on whose index is a multiple of eight, in one load.</summary>
    public static Eight LoadEight<TElement>(ArrayView<ushort> pool, long element)
        where TElement : struct, IStoredType<ushort>
    {
        Words4 words = pool.Cast<Words4>()[element >> 3];
        Eight eight;
        eight.First.X = Even<TElement>(words.X);
        eight.First.Y = Odd<TElement>(words.X);
        eight.First.Z = Even<TElement>(words.Y);
        eight.First.W = Odd<TElement>(words.Y);
        eight.Second.X = Even<TElement>(words.Z);
        eight.Second.Y = Odd<TElement>(words.Z);
        eight.Second.Z = Even<TElement>(words.W);
        eight.Second.W = Odd<TElement>(words.W);
        return eight;
    }

    private static float Add<TElement>(Words4 w, ArrayView<float> q, int i, float sum)
        where TElement : struct, IStoredType<ushort>
    {
        sum += q[i] * Even<TElement>(w.X);
        sum += q[i + 1] * Odd<TElement>(w.X);
        sum += q[i + 2] * Even<TElement>(w.Y);
        sum += q[i + 3] * Odd<TElement>(w.Y);
        sum += q[i + 4] * Even<TElement>(w.Z);
        sum += q[i + 5] * Odd<TElement>(w.Z);
        sum += q[i + 6] * Even<TElement>(w.W);
        sum += q[i + 7] * Odd<TElement>(w.W);
        return sum;
    }

    private static float Even<TElement>(uint pair)
        where TElement : struct, IStoredType<ushort> => TElement.Load((ushort)(pair & 0xFFFFu));

    private static float Odd<TElement>(uint pair)
        where TElement : struct, IStoredType<ushort> => TElement.Load((ushort)(pair >> 16));
}
