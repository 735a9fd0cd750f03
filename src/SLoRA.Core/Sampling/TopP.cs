using System.Numerics;

namespace SLoRA.Sampling;

/// <summary>
/// Removes the least likely tokens whose cumulative probability is at most 1 − p; of equal logits the highest ids go first, and the first
/// of the most likely tokens always stays.
/// </summary>
/// <remarks>
/// Sorting a vocabulary would cost more than all other stages together. Three steps avoid it. Tokens of at most (1 − p) / V each have at
/// most 1 − p together, so they go at once, unsorted, and few are left of a peaked distribution. A selection by mass halves the rest until
/// the border lies within a short range: that range alone is sorted and walked.
/// </remarks>
internal static class TopP
{
    private const int ShortRange = 64;
    private const int MaxHalvings = 64;

    /// <summary>
    /// The probability that may be removed. Exact decimals: 1 - 0.8 must be 0.2, as the caller wrote it, and not the next float below.
    /// </summary>
    public static float Removable(float p) => (float)(1m - (decimal)p);

    public static void Apply(Candidates candidates, float p, ulong[] keys)
    {
        float removable = Removable(p);
        // One float lower, so that rounding never lets the negligible tokens add up to more than is removable.
        float negligible = MathF.BitDecrement((float)(removable * candidates.Total / candidates.Count));
        int count = CollectLikely(candidates, negligible, keys, out double likelyMass);
        ulong border = FirstKept(keys.AsSpan(0, count), candidates, removable, Math.Max(0, candidates.Total - likelyMass));

        int position = PositionIn(border);
        float logit = candidates.Logits[position];
        int token = candidates.TokenAt(position);
        candidates.KeepLogitsFrom(logit);
        candidates.RemoveTies(logit, token);
        Softmax.Sum(candidates);
    }

    // Keys rise with the logit and, among equal logits, fall with the position, so they are distinct and the first to be removed is the
    // smallest.
    private static ulong KeyOf(float logit, int position)
    {
        // Adding +0 turns -0 into +0. Then the bits of a float order as integers once negative ones are inverted and positive ones lifted
        // above them.
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        uint order = (int)bits < 0 ? ~bits : bits | 0x8000_0000;
        return ((ulong)order << 32) | ~(uint)position;
    }

    private static int PositionIn(ulong key) => (int)~(uint)key;

    private static int CollectLikely(Candidates candidates, float negligible, ulong[] keys, out double mass)
    {
        ReadOnlySpan<float> weights = candidates.Weights, logits = candidates.Logits;
        // The most likely token has weight 1: it is always collected.
        float bound = Math.Min(negligible, 0.5f);
        int count = 0, i = 0;
        mass = 0;
        for (; i <= weights.Length - Comparisons.Count; i += Comparisons.Count)
        {
            uint hits = Comparisons.Greater(weights, i, bound);
            for (; hits != 0; hits &= hits - 1)
            {
                int position = i + BitOperations.TrailingZeroCount(hits);
                mass += weights[position];
                keys[count++] = KeyOf(logits[position], position);
            }
        }

        for (; i < weights.Length; i++)
        {
            if (weights[i] > bound)
            {
                mass += weights[i];
                keys[count++] = KeyOf(logits[i], i);
            }
        }

        return count;
    }

    // The smallest key whose cumulative probability exceeds what is removable; massBelow is the weight of the tokens without a key.
    private static ulong FirstKept(Span<ulong> keys, Candidates candidates, float removable, double massBelow)
    {
        ReadOnlySpan<float> weights = candidates.Weights;
        double total = candidates.Total;
        int low = 0, high = keys.Length;
        for (int halvings = 0; high - low > ShortRange && halvings < MaxHalvings; halvings++)
        {
            int middle = low + Partition(keys[low..high]);
            double mass = massBelow;
            foreach (ulong key in keys[low..middle])
            {
                mass += weights[PositionIn(key)];
            }

            if ((float)(mass / total) <= removable)
            {
                (low, massBelow) = (middle, mass);
            }
            else
            {
                high = middle;
            }
        }

        keys[low..high].Sort();
        for (; low < high - 1; low++)
        {
            massBelow += weights[PositionIn(keys[low])];
            if ((float)(massBelow / total) > removable)
            {
                break;
            }
        }

        return keys[low];
    }

    // Keys below the median of three go to the front; the number of them is returned, at least 1 and less than all, because keys are
    // distinct.
    private static int Partition(Span<ulong> keys)
    {
        ulong first = keys[0], middle = keys[keys.Length / 2], last = keys[^1];
        ulong pivot = Math.Max(Math.Min(first, middle), Math.Min(Math.Max(first, middle), last));
        int below = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            ulong key = keys[i];
            if (key < pivot)
            {
                keys[i] = keys[below];
                keys[below++] = key;
            }
        }

        return below;
    }
}
