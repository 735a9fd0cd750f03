using System.Numerics;
using System.Numerics.Tensors;

namespace SLoRA.Sampling;

/// <summary>
/// Log-probabilities of a chosen token and of the most probable ones; equal ones in the order of their ids. Writes into the caller's span
/// and allocates nothing.
/// </summary>
internal static class LogProbabilities
{
    private const int ChunkSize = 512;

    /// <summary>From logits: log softmax, the normaliser summed in double. Serves a prompt's rows as well as a generated token's.</summary>
    /// <param name="logits">One per token of the vocabulary.</param>
    /// <param name="token">The chosen token.</param>
    /// <param name="top">Receives the most probable tokens, most probable first.</param>
    /// <param name="count">How many it received: fewer than its length when fewer have a probability above 0.</param>
    /// <exception cref="InvalidLogitsException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static float OfLogits(ReadOnlySpan<float> logits, int token, Span<TokenLogProbability> top, out int count)
    {
        double normaliser = LogSumExp(logits);
        count = SelectTop(logits, top);
        for (int i = 0; i < count; i++)
        {
            top[i] = new TokenLogProbability(top[i].TokenId, (float)(top[i].LogProbability - normaliser));
        }

        return (float)(logits[token] - normaliser);
    }

    /// <summary>From what the filters left: their largest logit is 0 and the sum of the exponentials is known.</summary>
    public static float OfCandidates(Candidates candidates, int token, Span<TokenLogProbability> top, out int count)
    {
        double normaliser = Math.Log(candidates.Total);
        count = SelectTop(candidates.Logits, top);
        for (int i = 0; i < count; i++)
        {
            top[i] = new TokenLogProbability(candidates.TokenAt(top[i].TokenId), (float)(top[i].LogProbability - normaliser));
        }

        int position = candidates.PositionOf(token);
        return position < 0 ? float.NegativeInfinity : (float)(candidates.Logits[position] - normaliser);
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float largest = ArgMax.Largest(logits);
        Span<float> chunk = stackalloc float[ChunkSize];
        double sum = 0;
        for (int start = 0; start < logits.Length; start += ChunkSize)
        {
            ReadOnlySpan<float> part = logits.Slice(start, Math.Min(ChunkSize, logits.Length - start));
            Span<float> weights = chunk[..part.Length];
            TensorPrimitives.Subtract(part, largest, weights);
            TensorPrimitives.Exp(weights, weights);
            sum += Softmax.SumOf(weights);
        }

        return largest + Math.Log(sum);
    }

    // The largest values in falling order as (position, value); what equals the smallest kept comes later, so it does not enter, and among
    // equals the lower position stands first.
    private static int SelectTop(ReadOnlySpan<float> values, Span<TokenLogProbability> top)
    {
        if (top.IsEmpty)
        {
            return 0;
        }

        int count = 0, i = 0;
        for (; i <= values.Length - Comparisons.Count; i += Comparisons.Count)
        {
            float least = count < top.Length ? float.NegativeInfinity : top[^1].LogProbability;
            uint hits = Comparisons.Greater(values, i, least);
            for (; hits != 0; hits &= hits - 1)
            {
                Offer(top, ref count, i + BitOperations.TrailingZeroCount(hits), values);
            }
        }

        for (; i < values.Length; i++)
        {
            Offer(top, ref count, i, values);
        }

        return count;
    }

    private static void Offer(Span<TokenLogProbability> top, ref int count, int position, ReadOnlySpan<float> values)
    {
        float value = values[position];
        if (value <= (count < top.Length ? float.NegativeInfinity : top[^1].LogProbability))
        {
            return;
        }

        int place = PlaceFor(top[..count], value);
        if (count < top.Length)
        {
            count++;
        }

        top[place..(count - 1)].CopyTo(top[(place + 1)..]);
        top[place] = new TokenLogProbability(position, value);
    }

    // After every entry that is at least as large.
    private static int PlaceFor(ReadOnlySpan<TokenLogProbability> sorted, float value)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle].LogProbability >= value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
