using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The online softmax of one block: scores <c>[M, 64]</c> in base 2 become weights <c>2^(s − max)</c>, in place. Of integers, scores get
/// the scales of their keys before, and weights those of their values behind.
/// </summary>
/// <remarks>
/// In three passes over all queries, so that none of them waits for another: the largest score of each, the factors that take what the
/// segment has so far to the new maxima, 16 queries at a time, and the weights.
/// </remarks>
internal static unsafe class BlockSoftmax
{
    private const int Block = AttentionScratch.Block;

    /// <summary>What queries are to be multiplied by, so that their scores are scaled, and in base 2 where nothing bounds them.</summary>
    public static float QueryFactor(GroupedAttention attention) =>
        attention.ScoreCap is null ? attention.ScoreScale * PowerOfTwo.Log2E : attention.ScoreScale;

    /// <summary>Weighs the scores of all rows that see something of the block, and scales what the segment has so far.</summary>
    /// <typeparam name="T">What keys and values are read from; their scales are in the scratch memory if it has some.</typeparam>
    /// <param name="seen">Which positions rows see.</param>
    /// <param name="group">Queries of a row.</param>
    /// <param name="scratch">Scores, and what the segment has so far.</param>
    /// <param name="cap">What bounds scores, which come in base e then; null for nothing.</param>
    /// <param name="columns">Columns of the sums, a multiple of 16.</param>
    public static void Weigh<T>(in BlockSight seen, int group, AttentionScratch scratch, float? cap, int columns)
        where T : struct, IElements
    {
        int first = seen.FirstRow * group;
        int queries = (seen.EndRow * group) - first;
        float* maxima = scratch.Maxima + first;
        float* factors = scratch.Factors + first;
        float* scores = scratch.Scores + (first * Block);
        (int from, int to) = seen.Of(seen.FirstRow);
        for (int i = 0, row = seen.FirstRow; row < seen.EndRow; row++)
        {
            if (!seen.IsAlike)
            {
                (from, to) = seen.Of(row);
            }

            for (int end = i + group; i < end; i++, scores += Block)
            {
                factors[i] = maxima[i];
                maxima[i] = Largest<T>(scores, from, to, scratch.KeyScales, cap, maxima[i]);
            }
        }

        for (int i = 0; i < queries; i += Lanes.Count)
        {
            PowerOfTwo.Of(Vector512.Load(factors + i) - Vector512.Load(maxima + i)).Store(factors + i);
        }

        scores = scratch.Scores + (first * Block);
        float* weights = scratch.Weights + (first * Lanes.Count);
        float* sums = scratch.Sums + (first * scratch.PaddedDim);
        (from, to) = seen.Of(seen.FirstRow);
        for (int i = 0, row = seen.FirstRow; row < seen.EndRow; row++)
        {
            if (!seen.IsAlike)
            {
                (from, to) = seen.Of(row);
            }

            for (int end = i + group; i < end; i++)
            {
                Weigh<T>(scores, from & -Lanes.Count, to, maxima[i], factors[i], weights, scratch.ValueScales);
                if (factors[i] != 1)
                {
                    Multiply(sums, columns, factors[i]);
                }

                scores += Block;
                weights += Lanes.Count;
                sums += scratch.PaddedDim;
            }
        }
    }

    /// <summary>Caps the scores, takes those of unseen positions for −∞, and gives the largest of them and of another number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest<T>(float* scores, int from, int to, float* scales, float? cap, float atLeast)
        where T : struct, IElements
    {
        Vector512<float> largest = Vector512.Create(atLeast);
        for (int i = from & -Lanes.Count; i < to; i += Lanes.Count)
        {
            Vector512<float> score = Vector512.Load(scores + i);
            if (T.HasScales)
            {
                score *= Vector512.Load(scales + i);
            }

            if (cap is { } bound)
            {
                score = ApplyJob.Cap(score, bound) * PowerOfTwo.Log2E;
            }

            bool isCut = i < from || i + Lanes.Count > to;
            if (isCut)
            {
                Vector512<int> index = Lanes.Indices + Vector512.Create(i);
                Vector512<int> visible =
                    Vector512.GreaterThanOrEqual(index, Vector512.Create(from)) & Vector512.LessThan(index, Vector512.Create(to));
                score = Vector512.ConditionalSelect(visible.AsSingle(), score, Vector512.Create(float.NegativeInfinity));
            }

            if (T.HasScales || cap is not null || isCut)
            {
                score.Store(scores + i);
            }

            largest = Vector512.MaxNative(largest, score);
        }

        return Lanes.Max(largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weigh<T>(float* scores, int from, int to, float maximum, float factor, float* weights, float* scales)
        where T : struct, IElements
    {
        Vector512<float> sum = Vector512.Load(weights) * factor;
        Vector512<float> most = Vector512.Create(maximum);
        for (int i = from; i < to; i += Lanes.Count)
        {
            Vector512<float> weight = PowerOfTwo.Of(Vector512.Load(scores + i) - most);
            sum += weight;
            (T.HasScales ? weight * Vector512.Load(scales + i) : weight).Store(scores + i);
        }

        sum.Store(weights);
    }

    private static void Multiply(float* sums, int columns, float factor)
    {
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            (Vector512.Load(sums + i) * factor).Store(sums + i);
        }
    }
}
