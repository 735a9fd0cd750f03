using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Sampling;

/// <summary>
/// Weights e^logit and their sum. The largest logit is 0, so the largest weight is 1 whatever later filters remove: the exponentials are
/// taken once, and a filter changes the sum only.
/// </summary>
internal static class Softmax
{
    private const int Lanes = 8;

    public static void Weigh(Candidates candidates)
    {
        TensorPrimitives.Exp(candidates.Logits, candidates.Weights);
        Sum(candidates);
    }

    /// <summary>
    /// Sums the weights left, in double and in one fixed order: eight lanes within a block, the lanes in order, the blocks in order.
    /// </summary>
    public static void Sum(Candidates candidates)
    {
        ReadOnlySpan<float> weights = candidates.Weights;
        Span<double> sums = candidates.BlockSums;
        double total = 0;
        for (int block = 0; block < sums.Length; block++)
        {
            int start = block * Candidates.BlockSize;
            sums[block] = SumOf(weights.Slice(start, Math.Min(Candidates.BlockSize, weights.Length - start)));
            total += sums[block];
        }

        candidates.Total = total;
    }

    /// <summary>
    /// The sum of one block of weights: in eight lanes as far as whole sixteens go, the lanes in order, then the rest in order.
    /// </summary>
    public static double SumOf(ReadOnlySpan<float> weights)
    {
        Span<double> lanes = stackalloc double[Lanes];
        int whole = weights.Length & -(2 * Lanes);
        if (Vector512.IsHardwareAccelerated)
        {
            Sum512(weights[..whole], lanes);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Sum256(weights[..whole], lanes);
        }
        else
        {
            Sum128(weights[..whole], lanes);
        }

        double sum = 0;
        foreach (double lane in lanes)
        {
            sum += lane;
        }

        foreach (float weight in weights[whole..])
        {
            sum += weight;
        }

        return sum;
    }

    private static void Sum512(ReadOnlySpan<float> weights, Span<double> lanes)
    {
        ref float start = ref MemoryMarshal.GetReference(weights);
        Vector512<double> sums = Vector512<double>.Zero;
        for (int i = 0; i < weights.Length; i += 2 * Lanes)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.LoadUnsafe(ref start, (nuint)i));
            sums += lower;
            sums += upper;
        }

        sums.CopyTo(lanes);
    }

    private static void Sum256(ReadOnlySpan<float> weights, Span<double> lanes)
    {
        ref float start = ref MemoryMarshal.GetReference(weights);
        Vector256<double> sums0 = Vector256<double>.Zero, sums4 = Vector256<double>.Zero;
        for (int i = 0; i < weights.Length; i += Lanes)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.LoadUnsafe(ref start, (nuint)i));
            sums0 += lower;
            sums4 += upper;
        }

        sums0.CopyTo(lanes);
        sums4.CopyTo(lanes[4..]);
    }

    private static void Sum128(ReadOnlySpan<float> weights, Span<double> lanes)
    {
        ref float start = ref MemoryMarshal.GetReference(weights);
        Vector128<double> sums0 = Vector128<double>.Zero, sums2 = Vector128<double>.Zero;
        Vector128<double> sums4 = Vector128<double>.Zero, sums6 = Vector128<double>.Zero;
        for (int i = 0; i < weights.Length; i += Lanes)
        {
            (Vector128<double> lower, Vector128<double> upper) = Vector128.Widen(Vector128.LoadUnsafe(ref start, (nuint)i));
            sums0 += lower;
            sums2 += upper;
            (lower, upper) = Vector128.Widen(Vector128.LoadUnsafe(ref start, (nuint)i + 4));
            sums4 += lower;
            sums6 += upper;
        }

        sums0.CopyTo(lanes);
        sums2.CopyTo(lanes[2..]);
        sums4.CopyTo(lanes[4..]);
        sums6.CopyTo(lanes[6..]);
    }
}
