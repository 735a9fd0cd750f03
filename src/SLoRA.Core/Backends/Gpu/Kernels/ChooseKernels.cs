using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// From logits to tokens: a choice (see <see cref="Step.TokenChoice"/>) per group, with the stages of <see cref="Sampling.Sampler"/> in
/// their order. Nothing is sorted: the border of top-k and of top-p is found two bits at a time, by counting or weighing what lies above
/// each of three candidates. Sums are fp32, in one order.
/// </summary>
/// <remarks>
/// A choice, as ints: output row, temperature, top-k, removable, min-p, uniform, repetition, presence and frequency penalty (floats by
/// their bits), first and count of seen tokens, first and count of biases.
/// </remarks>
internal static class ChooseKernels
{
    /// <summary>Ints of a choice.</summary>
    public const int ChoiceInts = 13;

    /// <summary>What stands for a token where the logits allow none.</summary>
    public const int NoToken = -1;

    /// <summary>The output row of a choice that is nobody's: its group leaves.</summary>
    public const int NoOutput = -1;

    private const uint Infinity = 0x7F800000u;

    // The order of the largest logit, which is 0 once it has been subtracted.
    private const uint LargestOrder = 0x80000000u;

    /// <summary>
    /// Penalties and biases, in place. logits [O, width]; seen, counts, biasTokens, biases: those of all choices. Groups: choices (x).
    /// </summary>
    [Kernel]
    public static void Penalise(
        ArrayView<float> logits,
        ArrayView<int> choices,
        ArrayView<int> seen,
        ArrayView<int> counts,
        ArrayView<int> biasTokens,
        ArrayView<float> biases,
        int width)
    {
        int choice = Grid.IdxX * ChoiceInts;
        int output = choices[choice];
        if (output == NoOutput)
        {
            return;
        }

        long row = (long)output * width;
        float repetition = Real(choices, choice + 6);
        float presence = Real(choices, choice + 7);
        float frequency = Real(choices, choice + 8);
        int first = choices[choice + 9];
        int end = first + choices[choice + 10];
        for (int i = first + Group.IdxX; i < end; i += KernelLoader.GroupSize)
        {
            long at = row + seen[i];
            float logit = logits[at];
            if (repetition != 1)
            {
                logit = logit > 0 ? logit / repetition : logit * repetition;
            }

            if (counts[i] > 0)
            {
                logit -= (counts[i] * frequency) + presence;
            }

            logits[at] = logit;
        }

        Group.Barrier();
        first = choices[choice + 11];
        end = first + choices[choice + 12];
        for (int i = first + Group.IdxX; i < end; i += KernelLoader.GroupSize)
        {
            logits[row + biasTokens[i]] += biases[i];
        }
    }

    /// <summary>
    /// The draw from the first V logits of a row: logits [O, width]. tokens [O] receives the token, or <see cref="NoToken"/>. Groups:
    /// choices (x).
    /// </summary>
    [Kernel]
    public static void Choose(ArrayView<float> logits, ArrayView<int> choices, ArrayView<int> tokens, int vocabulary, int width)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<int> sharedInts = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int choice = Grid.IdxX * ChoiceInts;
        int output = choices[choice];
        if (output == NoOutput)
        {
            return;
        }

        long row = (long)output * width;
        float largest = float.NegativeInfinity;
        int invalid = 0;
        for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
        {
            float logit = logits[row + i];
            uint bits = Interop.FloatAsInt(logit);
            if ((bits & 0x7FFFFFFFu) > Infinity || bits == Infinity)
            {
                invalid = 1;
            }
            else
            {
                largest = MathF.Max(largest, logit);
            }
        }

        invalid = RowReduction.Sum(sharedInts, invalid);
        largest = RowReduction.Max(shared, largest);
        if (invalid > 0 || largest == float.NegativeInfinity)
        {
            if (Group.IdxX == 0)
            {
                tokens[output] = NoToken;
            }

            return;
        }

        float temperature = Real(choices, choice + 1);
        int token = temperature == 0
            ? First(logits, row, vocabulary, largest, sharedInts)
            : Draw(logits, choices, choice, row, vocabulary, largest, temperature, shared, sharedInts);
        if (Group.IdxX == 0)
        {
            tokens[output] = token;
        }
    }

    /// <summary>The lowest id among the tokens with the largest logit.</summary>
    private static int First(ArrayView<float> logits, long row, int vocabulary, float largest, ArrayView<int> shared)
    {
        int first = vocabulary;
        for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
        {
            if (logits[row + i] == largest && i < first)
            {
                first = i;
            }
        }

        return RowReduction.Min(shared, first);
    }

    private static int Draw(
        ArrayView<float> logits,
        ArrayView<int> choices,
        int choice,
        long row,
        int vocabulary,
        float largest,
        float temperature,
        ArrayView<float> shared,
        ArrayView<int> sharedInts)
    {
        var kept = default(KeptTokens);
        kept.Row = row;
        kept.Largest = largest;
        kept.Temperature = temperature;
        kept.LastTie = vocabulary;
        int topK = choices[choice + 2];
        if (topK > 0 && topK < vocabulary)
        {
            kept.FromOrder = KthLargest(logits, kept, vocabulary, topK, sharedInts);
        }

        float removable = Real(choices, choice + 3);
        if (removable > 0)
        {
            RemoveUnlikely(logits, ref kept, vocabulary, removable, shared, sharedInts);
        }

        kept.FromWeight = Real(choices, choice + 4);
        return Pick(logits, kept, vocabulary, Real(choices, choice + 5), shared);
    }

    /// <summary>The order of the k-th largest logit: the largest order that k tokens reach.</summary>
    private static uint KthLargest(ArrayView<float> logits, KeptTokens kept, int vocabulary, int k, ArrayView<int> shared)
    {
        uint found = 0;
        for (int shift = 30; shift >= 0; shift -= 2)
        {
            int above1 = 0;
            int above2 = 0;
            int above3 = 0;
            for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
            {
                uint order = kept.Order(logits, i);
                above1 += order >= found + (1u << shift) ? 1 : 0;
                above2 += order >= found + (2u << shift) ? 1 : 0;
                above3 += order >= found + (3u << shift) ? 1 : 0;
            }

            above1 = RowReduction.Sum(shared, above1);
            above2 = RowReduction.Sum(shared, above2);
            above3 = RowReduction.Sum(shared, above3);
            found += Digit(above1 >= k, above2 >= k, above3 >= k) << shift;
        }

        return found;
    }

    /// <summary>
    /// Top-p: raises the border as far as what lies below it weighs at most what may be removed, then removes those ties at the border,
    /// highest ids first, that may go as well. The most likely token always stays.
    /// </summary>
    private static void RemoveUnlikely(
        ArrayView<float> logits, ref KeptTokens kept, int vocabulary, float removable, ArrayView<float> shared, ArrayView<int> sharedInts)
    {
        float total = 0;
        for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
        {
            total += kept.Weight(logits, i);
        }

        float mass = removable * RowReduction.Sum(shared, total);
        uint border = 0;
        float below = 0;
        for (int shift = 30; shift >= 0; shift -= 2)
        {
            float below1 = 0;
            float below2 = 0;
            float below3 = 0;
            for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
            {
                uint order = kept.Order(logits, i);
                float weight = kept.Weight(logits, i);
                below1 += order < border + (1u << shift) ? weight : 0f;
                below2 += order < border + (2u << shift) ? weight : 0f;
                below3 += order < border + (3u << shift) ? weight : 0f;
            }

            below1 = RowReduction.Sum(shared, below1);
            below2 = RowReduction.Sum(shared, below2);
            below3 = RowReduction.Sum(shared, below3);
            below = below3 <= mass ? below3 : below2 <= mass ? below2 : below1 <= mass ? below1 : below;
            border += Digit(below1 <= mass, below2 <= mass, below3 <= mass) << shift;
        }

        if (border >= LargestOrder)
        {
            // Everything less likely than the most likely may go.
            border = LargestOrder;
            below = 0;
            for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
            {
                below += kept.Order(logits, i) < border ? kept.Weight(logits, i) : 0f;
            }

            below = RowReduction.Sum(shared, below);
        }

        int ties = 0;
        float tieWeight = 0;
        for (int i = Group.IdxX; i < vocabulary; i += KernelLoader.GroupSize)
        {
            if (kept.Order(logits, i) == border && kept.Weight(logits, i) > 0)
            {
                ties++;
                tieWeight = kept.Weight(logits, i);
            }
        }

        ties = RowReduction.Sum(sharedInts, ties);
        tieWeight = RowReduction.Max(shared, tieWeight);
        kept.FromOrder = border > kept.FromOrder ? border : kept.FromOrder;
        if (ties < 2)
        {
            return;
        }

        float share = (mass - below) / tieWeight;
        int removed = share >= ties - 1 ? ties - 1 : (int)share;
        kept.BorderOrder = border;
        kept.LastTie = removed > 0 ? NthTie(logits, kept, vocabulary, border, ties - removed, sharedInts) : vocabulary;
    }

    /// <summary>
    /// The id of the n-th token, from 1, whose order is <paramref name="border"/>. Threads count runs of ids; the run that holds it is
    /// walked.
    /// </summary>
    private static int NthTie(ArrayView<float> logits, KeptTokens kept, int vocabulary, uint border, int n, ArrayView<int> shared)
    {
        int run = (vocabulary + KernelLoader.GroupSize - 1) >> KernelLoader.GroupSizeLog2;
        int begin = Group.IdxX * run;
        int end = begin + run < vocabulary ? begin + run : vocabulary;
        int count = 0;
        for (int i = begin; i < end; i++)
        {
            count += kept.Order(logits, i) == border ? 1 : 0;
        }

        shared[Group.IdxX] = count;
        Group.Barrier();
        int thread = 0;
        int left = n;
        while (thread < KernelLoader.GroupSize - 1 && left > shared[thread])
        {
            left -= shared[thread];
            thread++;
        }

        Group.Barrier();
        int id = thread * run;
        for (; id < vocabulary; id++)
        {
            left -= kept.Order(logits, id) == border ? 1 : 0;
            if (left == 0)
            {
                break;
            }
        }

        return id;
    }

    /// <summary>The first token, in the order of ids, at which the cumulative weight exceeds u · total.</summary>
    private static int Pick(ArrayView<float> logits, KeptTokens kept, int vocabulary, float uniform, ArrayView<float> shared)
    {
        int run = (vocabulary + KernelLoader.GroupSize - 1) >> KernelLoader.GroupSizeLog2;
        int begin = Group.IdxX * run;
        int end = begin + run < vocabulary ? begin + run : vocabulary;
        float sum = 0;
        for (int i = begin; i < end; i++)
        {
            sum += kept.Weight(logits, i);
        }

        shared[Group.IdxX] = sum;
        Group.Barrier();
        float total = 0;
        int lastRun = 0;
        for (int i = 0; i < KernelLoader.GroupSize; i++)
        {
            total += shared[i];
            lastRun = shared[i] > 0 ? i : lastRun;
        }

        float rest = uniform * total;
        int thread = 0;
        while (thread < lastRun && rest >= shared[thread])
        {
            rest -= shared[thread];
            thread++;
        }

        Group.Barrier();

        // Rounding can carry the walk past the end of the run; then it is the last token of it that has weight.
        int token = 0;
        int last = (thread + 1) * run < vocabulary ? (thread + 1) * run : vocabulary;
        for (int i = thread * run; i < last; i++)
        {
            float weight = kept.Weight(logits, i);
            if (weight > 0)
            {
                token = i;
                rest -= weight;
                if (rest < 0)
                {
                    break;
                }
            }
        }

        return token;
    }

    /// <summary>
    /// The largest candidate that holds. As assignments: nested conditional expressions that end in 1 : 0 become a bool in ILGPU, and 3
    /// becomes 1.
    /// </summary>
    private static uint Digit(bool first, bool second, bool third)
    {
        uint digit = 0;
        if (first)
        {
            digit = 1;
        }

        if (second)
        {
            digit = 2;
        }

        if (third)
        {
            digit = 3;
        }

        return digit;
    }

    private static float Real(ArrayView<int> ints, int index) => Interop.IntAsFloat((uint)ints[index]);
}
