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
        FindMaxima<T>(seen, group, scratch, cap);
        int end = seen.EndRow * group;
        for (int query = seen.FirstRow * group; query < end; query += Lanes.Count)
        {
            // Where all scores so far are −∞ there are no sums yet, and no difference that is a number.
            Vector512<float> maxima = Vector512.Load(scratch.Maxima + query);
            Vector512<float> hasNone = Vector512.Equals(maxima, Vector512.Create(float.NegativeInfinity));
            Vector512<float> change = Vector512.AndNot(Vector512.Load(scratch.Factors + query) - maxima, hasNone);
            PowerOfTwo.Of(change).Store(scratch.Factors + query);
        }

        FindWeights<T>(seen, group, scratch, columns);
    }

    /// <summary>The maxima with this block, and in the place of the factors those without it.</summary>
    private static void FindMaxima<T>(in BlockSight seen, int group, AttentionScratch scratch, float? cap)
        where T : struct, IElements
    {
        int query = seen.FirstRow * group;
        float* scores = scratch.Scores + (query * Block);
        float* maxima = scratch.Maxima;
        float* factors = scratch.Factors;
        for (int row = seen.FirstRow; row < seen.EndRow; row++)
        {
            (int from, int to) = seen.Of(row);
            bool isWhole = to - from == Block && !T.HasScales && cap is null;
            for (int end = query + group; query < end; query++, scores += Block)
            {
                factors[query] = maxima[query];
                maxima[query] = isWhole ? Largest(scores, maxima[query]) : Largest<T>(scores, from, to, scratch, cap, maxima[query]);
            }
        }
    }

    /// <summary>The largest of all scores of a block and another number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(float* scores, float atLeast)
    {
        Vector512<float> left = Vector512.MaxNative(Vector512.Load(scores), Vector512.Load(scores + Lanes.Count));
        Vector512<float> right =
            Vector512.MaxNative(Vector512.Load(scores + (2 * Lanes.Count)), Vector512.Load(scores + (3 * Lanes.Count)));
        return MathF.Max(atLeast, Lanes.Max(Vector512.MaxNative(left, right)));
    }

    /// <summary>The same where scores are scaled, bounded, or not all seen: unseen ones become −∞.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Largest<T>(float* scores, int from, int to, AttentionScratch scratch, float? cap, float atLeast)
        where T : struct, IElements
    {
        Vector512<float> largest = Vector512.Create(atLeast);
        for (int i = from & -Lanes.Count; i < to; i += Lanes.Count)
        {
            Vector512<float> score = Vector512.Load(scores + i);
            if (T.HasScales)
            {
                score *= Vector512.Load(scratch.KeyScales + i);
            }

            if (cap is { } bound)
            {
                score = ApplyJob.Cap(score, bound) * PowerOfTwo.Log2E;
            }

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

    /// <summary>The weights, and what the segment has so far under the new maxima.</summary>
    private static void FindWeights<T>(in BlockSight seen, int group, AttentionScratch scratch, int columns)
        where T : struct, IElements
    {
        int query = seen.FirstRow * group;
        float* scores = scratch.Scores + (query * Block);
        float* weights = scratch.Weights + (query * Lanes.Count);
        float* maxima = scratch.Maxima;
        float* factors = scratch.Factors;
        float* scales = scratch.ValueScales;
        for (int row = seen.FirstRow; row < seen.EndRow; row++)
        {
            (int from, int to) = seen.Of(row);
            from &= -Lanes.Count;
            for (int end = query + group; query < end; query++)
            {
                Vector512<float> sum = Vector512.Load(weights) * factors[query];
                Vector512<float> maximum = Vector512.Create(maxima[query]);
                if (maxima[query] == float.NegativeInfinity)
                {
                    sum += LeaveOut(scores, from, to);
                }
                else
                {
                    for (int i = from; i < to; i += Lanes.Count)
                    {
                        Vector512<float> weight = PowerOfTwo.Of(Vector512.Load(scores + i) - maximum);
                        sum += weight;
                        (T.HasScales ? weight * Vector512.Load(scales + i) : weight).Store(scores + i);
                    }
                }

                sum.Store(weights);
                scores += Block;
                weights += Lanes.Count;
            }
        }

        for (query = seen.FirstRow * group; query < seen.EndRow * group; query++)
        {
            if (factors[query] != 1)
            {
                Multiply(scratch.Sums + (query * scratch.PaddedDim), columns, factors[query]);
            }
        }
    }

    /// <summary>The weights where no score so far is above −∞: 0, or NaN of what is no number.</summary>
    /// <returns>Their sum, by lane.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<float> LeaveOut(float* scores, int from, int to)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = from; i < to; i += Lanes.Count)
        {
            Vector512<float> score = Vector512.Load(scores + i);
            Vector512<float> weight = Vector512.AndNot(score, Vector512.Equals(score, Vector512.Create(float.NegativeInfinity)));
            weight.Store(scores + i);
            sum += weight;
        }

        return sum;
    }

    private static void Multiply(float* sums, int columns, float factor)
    {
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            (Vector512.Load(sums + i) * factor).Store(sums + i);
        }
    }
}
