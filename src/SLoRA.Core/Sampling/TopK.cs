using System.Numerics;

namespace SLoRA.Sampling;

/// <summary>Keeps the tokens whose logit is at least the k-th largest; ties with it stay.</summary>
/// <remarks>
/// A min-heap of the k largest logits so far. Of V logits in no particular order about k · ln(V / k) enter it after the first k;
/// the others are passed over sixteen at a time.
/// </remarks>
internal static class TopK
{
    public static void Apply(Candidates candidates, int k)
    {
        if (k < candidates.Count)
        {
            candidates.KeepLogitsFrom(KthLargest(candidates.Logits, candidates.Weights[..k]));
        }
    }

    private static float KthLargest(ReadOnlySpan<float> logits, Span<float> heap)
    {
        logits[..heap.Length].CopyTo(heap);
        for (int parent = (heap.Length / 2) - 1; parent >= 0; parent--)
        {
            SiftDown(heap, parent);
        }

        int i = heap.Length;
        for (; i <= logits.Length - Comparisons.Count; i += Comparisons.Count)
        {
            uint hits = Comparisons.Greater(logits, i, heap[0]);
            for (; hits != 0; hits &= hits - 1)
            {
                Offer(heap, logits[i + BitOperations.TrailingZeroCount(hits)]);
            }
        }

        for (; i < logits.Length; i++)
        {
            Offer(heap, logits[i]);
        }

        return heap[0];
    }

    private static void Offer(Span<float> heap, float value)
    {
        if (value > heap[0])
        {
            heap[0] = value;
            SiftDown(heap, 0);
        }
    }

    private static void SiftDown(Span<float> heap, int parent)
    {
        float value = heap[parent];
        for (int child = (2 * parent) + 1; child < heap.Length; child = (2 * parent) + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
            {
                child++;
            }

            if (heap[child] >= value)
            {
                break;
            }

            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = value;
    }
}
