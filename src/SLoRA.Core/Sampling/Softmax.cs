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

    /// <summary>The sum of one block of weights.</summary>
    public static double SumOf(ReadOnlySpan<float> weights)
    {
        ref float start = ref MemoryMarshal.GetReference(weights);
        Vector512<double> lanes = Vector512<double>.Zero;
        int i = 0;
        for (; i <= weights.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.LoadUnsafe(ref start, (nuint)i));
            lanes += lower;
            lanes += upper;
        }

        double sum = 0;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            sum += lanes.GetElement(lane);
        for (; i < weights.Length; i++)
            sum += weights[i];
        return sum;
    }
}
