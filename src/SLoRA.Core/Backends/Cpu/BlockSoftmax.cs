using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>The online softmax of one block: scores <c>[M, 64]</c> become weights <c>e^(s − max)</c>, in place.</summary>
/// <remarks>
/// In three passes over all queries, so that none of them waits for another: the largest score of each, the factors that take what the
/// segment has so far to the new maxima, 16 queries at a time, and the weights.
/// </remarks>
internal static unsafe class BlockSoftmax
{
    private const int Block = AttentionScratch.Block;

    /// <summary>Weighs the scores of queries that see the same positions, and scales what the segment has so far.</summary>
    /// <param name="query">The first query.</param>
    /// <param name="queries">How many.</param>
    /// <param name="from">The first position of the block that they see.</param>
    /// <param name="to">Behind the last one.</param>
    /// <param name="scratch">Scores, and what the segment has so far.</param>
    /// <param name="attention">How scores are scaled and capped.</param>
    /// <param name="columns">Columns of the sums, a multiple of 16.</param>
    public static void Weigh(int query, int queries, int from, int to, AttentionScratch scratch, GroupedAttention attention, int columns)
    {
        // Behind and before the runs that hold the visible positions all weights would be 0, and nobody reads them.
        int first = from & -Lanes.Count;
        Vector512<float> scale = Vector512.Create(attention.ScoreScale);
        float* maxima = scratch.Maxima + query;
        float* factors = scratch.Factors + query;
        float* scores = scratch.Scores + (query * Block);
        for (int i = 0; i < queries; i++, scores += Block)
        {
            if (attention.ScoreCap is { } cap)
            {
                Cap(scores, first, to, scale, cap);
            }

            factors[i] = maxima[i];
            maxima[i] = Scale(scores, first, from, to, attention.ScoreCap is null ? scale : Vector512<float>.One, maxima[i]);
        }

        for (int i = 0; i < queries; i += Lanes.Count)
        {
            Exponential.Of(Vector512.Load(factors + i) - Vector512.Load(maxima + i)).Store(factors + i);
        }

        scores = scratch.Scores + (query * Block);
        float* weights = scratch.Weights + (query * Lanes.Count);
        float* sums = scratch.Sums + (query * scratch.PaddedDim);
        for (int i = 0; i < queries; i++)
        {
            Vector512<float> factor = Vector512.Create(factors[i]);
            Vector512<float> sum = Vector512.Load(weights) * factor;
            Vector512<float> maximum = Vector512.Create(maxima[i]);
            for (int at = first; at < to; at += Lanes.Count)
            {
                Vector512<float> weight = Exponential.Of(Vector512.Load(scores + at) - maximum);
                weight.Store(scores + at);
                sum += weight;
            }

            sum.Store(weights);
            if (factors[i] != 1)
            {
                for (int at = 0; at < columns; at += Lanes.Count)
                {
                    (Vector512.Load(sums + at) * factor).Store(sums + at);
                }
            }

            scores += Block;
            weights += Lanes.Count;
            sums += scratch.PaddedDim;
        }
    }

    private static void Cap(float* scores, int first, int to, Vector512<float> scale, float cap)
    {
        for (int i = first; i < to; i += Lanes.Count)
        {
            ApplyJob.Cap(Vector512.Load(scores + i) * scale, cap).Store(scores + i);
        }
    }

    /// <summary>Scales the scores, takes those of unseen positions for −∞, and gives the largest of them and of another number.</summary>
    private static float Scale(float* scores, int first, int from, int to, Vector512<float> scale, float atLeast)
    {
        Vector512<float> largest = Vector512.Create(atLeast);
        for (int i = first; i < to; i += Lanes.Count)
        {
            Vector512<float> score = Vector512.Load(scores + i) * scale;
            if (i < from || i + Lanes.Count > to)
            {
                Vector512<int> index = Lanes.Indices + Vector512.Create(i);
                Vector512<int> visible =
                    Vector512.GreaterThanOrEqual(index, Vector512.Create(from)) & Vector512.LessThan(index, Vector512.Create(to));
                score = Vector512.ConditionalSelect(visible.AsSingle(), score, Vector512.Create(float.NegativeInfinity));
            }

            score.Store(scores + i);
            largest = Vector512.MaxNative(largest, score);
        }

        return Lanes.Max(largest);
    }
}
