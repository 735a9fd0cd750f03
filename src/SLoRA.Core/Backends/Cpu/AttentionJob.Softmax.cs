using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <content>The online softmax of one block: scores <c>[M, 64]</c> become weights, in place.</content>
internal sealed unsafe partial class AttentionJob
{
    /// <summary>Of integers, scores get the scales of their keys before, and weights those of their values behind.</summary>
    private void Weigh<T>(int query, int queries, int from, int to, AttentionScratch scratch)
        where T : struct, IElements
    {
        for (int i = 0; i < queries; i++)
        {
            if (T.HasScales)
            {
                Multiply(scratch.Scores + ((query + i) * Block), scratch.KeyScales, from, to);
            }

            Weigh(query + i, from, to, scratch, _attention, _paddedDim);
            if (T.HasScales)
            {
                Multiply(scratch.Scores + ((query + i) * Block), scratch.ValueScales, from, to);
            }
        }
    }

    private static void Multiply(float* scores, float* scales, int from, int to)
    {
        for (int i = from & -Lanes.Count; i < to; i += Lanes.Count)
        {
            (Vector512.Load(scores + i) * Vector512.Load(scales + i)).Store(scores + i);
        }
    }

    /// <summary>
    /// Turns the scores of one query into weights <c>e^(s − max)</c> and scales what the segment has so far to the new maximum.
    /// </summary>
    /// <param name="query">The query.</param>
    /// <param name="from">The first position of the block that it sees.</param>
    /// <param name="to">Behind the last one.</param>
    /// <param name="scratch">Scores, and what the segment has so far.</param>
    /// <param name="attention">How scores are scaled and capped.</param>
    /// <param name="columns">Columns of the sums, a multiple of 16.</param>
    internal static void Weigh(int query, int from, int to, AttentionScratch scratch, GroupedAttention attention, int columns)
    {
        float* scores = scratch.Scores + (query * Block);
        Vector512<float> scale = Vector512.Create(attention.ScoreScale);
        if (attention.ScoreCap is { } cap)
        {
            for (int i = 0; i < Block; i += Lanes.Count)
            {
                ApplyJob.Cap(Vector512.Load(scores + i) * scale, cap).Store(scores + i);
            }

            scale = Vector512<float>.One;
        }

        Vector512<float> low = Vector512.Create(float.NegativeInfinity);
        Vector512<float> largest = Vector512.Create(scratch.Maxima[query]);

        // Behind and before the runs that hold the visible positions all weights would be 0, and nobody reads them.
        int first = from & -Lanes.Count;
        for (int i = first; i < to; i += Lanes.Count)
        {
            Vector512<int> index = Lanes.Indices + Vector512.Create(i);
            Vector512<int> visible =
                Vector512.GreaterThanOrEqual(index, Vector512.Create(from)) & Vector512.LessThan(index, Vector512.Create(to));
            Vector512<float> score = Vector512.ConditionalSelect(visible.AsSingle(), Vector512.Load(scores + i) * scale, low);
            score.Store(scores + i);
            largest = Vector512.MaxNative(largest, score);
        }

        float maximum = Lanes.Max(largest);
        Vector512<float> weights = Vector512.Load(scratch.Weights + (query * Lanes.Count));
        if (maximum > scratch.Maxima[query])
        {
            Vector512<float> factor = Exponential.Of(Vector512.Create(scratch.Maxima[query] - maximum));
            scratch.Maxima[query] = maximum;
            weights *= factor;
            float* sums = scratch.Sums + (query * scratch.PaddedDim);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                (Vector512.Load(sums + i) * factor).Store(sums + i);
            }
        }

        for (int i = first; i < to; i += Lanes.Count)
        {
            Vector512<float> weight = Exponential.Of(Vector512.Load(scores + i) - Vector512.Create(maximum));
            weight.Store(scores + i);
            weights += weight;
        }

        weights.Store(scratch.Weights + (query * Lanes.Count));
    }
}
