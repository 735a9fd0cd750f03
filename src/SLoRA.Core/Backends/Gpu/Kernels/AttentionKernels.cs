using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>What attention needs beside the layout of the cache.</summary>
internal readonly struct AttentionShape(CacheShape cache, int window, int chunk, float scale, float cap, int hasSinks, int isWide)
{
    public readonly CacheShape Cache = cache;

    /// <summary>Keys that a query sees, its own included; 0 for all.</summary>
    public readonly int Window = window;

    /// <summary>Positions of a chunk, beyond which a query sees nothing; 0 for no chunks.</summary>
    public readonly int Chunk = chunk;

    /// <summary>What products of queries and keys are multiplied by.</summary>
    public readonly float Scale = scale;

    /// <summary>What scores are capped at; 0 for nothing.</summary>
    public readonly float Cap = cap;

    /// <summary>1 if the softmax of a head has one more score, which no value belongs to.</summary>
    public readonly int HasSinks = hasSinks;

    /// <summary>1 if every key begins at a multiple of 16 bytes and is whole multiples of them.</summary>
    public readonly int IsWide = isWide;

    /// <summary>The first position that a query at a position sees.</summary>
    public int FirstOf(int position)
    {
        int first = Window > 0 && position >= Window ? position - Window + 1 : 0;

        // ILGPU computes what a short condition guards in any case, and a division by 0 ends a process on OpenCL's processor devices.
        int chunk = Chunk > 0 ? Chunk : int.MaxValue;
        int begin = position - (position % chunk);
        return first > begin ? first : begin;
    }
}

/// <summary>
/// Paged attention, <c>y[t, h] = Σ softmax(cap(scale · q[t, h] · K[j])) V[j]</c>: q in qkv [T, (H + 2G) d], y [T, H d]. Positions are cut
/// into splits of 256 at multiples of 256, whatever the step holds. Within a split: scores, their largest m, exponentials, their sum l,
/// weighted values o. Splits are merged in order by <c>m' = max(m, mₛ), l' = l e^(m−m') + lₛ e^(mₛ−m'), o' = o e^(m−m') + oₛ
/// e^(mₛ−m')</c>, either by the group that goes through all of them (a task without a place for partial results) or, for long contexts,
/// by a second pass over partial results of a group per split: the same arithmetic in the same order.
/// </summary>
internal static class AttentionKernels
{
    /// <summary>Positions of a split.</summary>
    public const int Split = 1 << SplitLog2;

    /// <summary>Ints of a task: row, first split, splits, place of its partial results or −1.</summary>
    public const int TaskInts = 4;

    /// <summary>The row of a task, or of a merge, that is nobody's: its groups leave.</summary>
    public const int NoRow = -1;

    /// <summary>The widest head.</summary>
    public const int LargestHead = 512;

    private const int SplitLog2 = 8;

    /// <summary>
    /// Groups: tasks (x) times heads (y). partial [places, H, d + 2] receives o, m, l of tasks that have a place.
    /// </summary>
    [Kernel(typed: true)]
    public static void Attend<TStored, TElement>(
        ArrayView<float> qkv,
        ArrayView<TStored> pool,
        ArrayView<int> tasks,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> sinks,
        ArrayView<float> partial,
        ArrayView<float> y,
        AttentionShape shape)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        ArrayView<float> query = SharedMemory.Allocate<float>(LargestHead);
        ArrayView<float> sum = SharedMemory.Allocate<float>(LargestHead);
        ArrayView<float> scores = SharedMemory.Allocate<float>(Split);
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        CacheShape cache = shape.Cache;
        int thread = Group.IdxX;
        int d = cache.HeadDim;
        int head = Grid.IdxY;
        int keyHead = cache.KeyHeadOf(head);
        int task = Grid.IdxX * TaskInts;
        int row = tasks[task];
        if (row == NoRow)
        {
            return;
        }

        int firstSplit = tasks[task + 1];
        int endSplit = firstSplit + tasks[task + 2];
        int place = tasks[task + 3];
        int table = tableStart[row];
        int last = positions[row];
        int first = shape.FirstOf(last);
        for (int i = thread; i < d; i += KernelLoader.GroupSize)
        {
            query[i] = qkv[((long)row * cache.Width) + (head * d) + i];
            sum[i] = 0;
        }

        float largest = float.NegativeInfinity;
        float weights = 0;
        Group.Barrier();
        for (int split = firstSplit; split < endSplit; split++)
        {
            int begin = split << SplitLog2;
            int end = begin + Split;
            begin = begin < first ? first : begin;
            end = end > last + 1 ? last + 1 : end;
            if (end <= begin)
            {
                // Wholly outside the window.
                continue;
            }

            float threadLargest = float.NegativeInfinity;
            for (int j = begin + thread; j < end; j += KernelLoader.GroupSize)
            {
                long key = cache.Key(pages[table + (j >> cache.PageTokensLog2)], keyHead, j);
                float dot = 0;
                if (shape.IsWide == 1)
                {
                    dot = TElement.Dot(pool, key, d, query);
                }
                else
                {
                    for (int i = 0; i < d; i++)
                    {
                        dot += query[i] * TElement.Load(pool[key + i]);
                    }
                }

                dot *= shape.Scale;
                if (shape.Cap > 0)
                {
                    dot = ElementKernels.Capped(dot, shape.Cap);
                }

                scores[j - begin] = dot;
                threadLargest = MathF.Max(threadLargest, dot);
            }

            float splitLargest = RowReduction.Max(shared, threadLargest);
            float origin = Origin(splitLargest);
            float threadWeights = 0;
            for (int j = begin + thread; j < end; j += KernelLoader.GroupSize)
            {
                float weight = MathF.Exp(scores[j - begin] - origin);
                scores[j - begin] = weight;
                threadWeights += weight;
            }

            float splitWeights = RowReduction.Sum(shared, threadWeights);
            if (splitWeights == 0)
            {
                // No score is above −∞.
                continue;
            }

            bool grows = splitLargest > largest;
            float factor = Factor(largest, splitLargest, grows);
            for (int i = thread; i < d; i += KernelLoader.GroupSize)
            {
                float values = 0;
                int j = begin;
                while (j < end)
                {
                    // The tokens of a page lie one behind the other.
                    int page = j >> cache.PageTokensLog2;
                    int endOfPage = (page + 1) << cache.PageTokensLog2;
                    int stop = endOfPage < end ? endOfPage : end;
                    long value = cache.Value(pages[table + page], keyHead, j) + i;
                    for (; j + 8 <= stop; j += 8)
                    {
                        // Eight loads are under way before the first is used.
                        float v0 = TElement.Load(pool[value]);
                        float v1 = TElement.Load(pool[value + d]);
                        float v2 = TElement.Load(pool[value + (2L * d)]);
                        float v3 = TElement.Load(pool[value + (3L * d)]);
                        float v4 = TElement.Load(pool[value + (4L * d)]);
                        float v5 = TElement.Load(pool[value + (5L * d)]);
                        float v6 = TElement.Load(pool[value + (6L * d)]);
                        float v7 = TElement.Load(pool[value + (7L * d)]);
                        int weight = j - begin;
                        values += scores[weight] * v0;
                        values += scores[weight + 1] * v1;
                        values += scores[weight + 2] * v2;
                        values += scores[weight + 3] * v3;
                        values += scores[weight + 4] * v4;
                        values += scores[weight + 5] * v5;
                        values += scores[weight + 6] * v6;
                        values += scores[weight + 7] * v7;
                        value += 8L * d;
                    }

                    for (; j < stop; j++)
                    {
                        values += scores[j - begin] * TElement.Load(pool[value]);
                        value += d;
                    }
                }

                sum[i] = Merged(sum[i], values, factor, grows);
            }

            weights = Merged(weights, splitWeights, factor, grows);
            largest = grows ? splitLargest : largest;
            Group.Barrier();
        }

        Finish(sum, sinks, partial, y, shape, row, place, largest, weights);
    }

    /// <summary>
    /// The second pass. merges [M, 3]: row, first place, places of consecutive splits. Groups: merges (x) times heads (y).
    /// </summary>
    [Kernel]
    public static void Merge(
        ArrayView<float> partial, ArrayView<int> merges, ArrayView<float> sinks, ArrayView<float> y, int heads, int headDim, int hasSinks)
    {
        int merge = Grid.IdxX * 3;
        int head = Grid.IdxY;
        int row = merges[merge];
        if (row == NoRow)
        {
            return;
        }

        int firstPlace = merges[merge + 1];
        int places = merges[merge + 2];
        int stride = headDim + 2;
        for (int i = Group.IdxX; i < headDim; i += KernelLoader.GroupSize)
        {
            float largest = float.NegativeInfinity;
            float weights = 0;
            float sum = 0;
            for (int p = 0; p < places; p++)
            {
                long begin = ((((long)firstPlace + p) * heads) + head) * stride;
                float splitLargest = partial[begin + headDim];
                float splitWeights = partial[begin + headDim + 1];
                if (splitWeights == 0)
                {
                    // The row sees nothing of the split, or no score of it is above −∞.
                    continue;
                }

                bool grows = splitLargest > largest;
                float factor = Factor(largest, splitLargest, grows);
                sum = Merged(sum, partial[begin + i], factor, grows);
                weights = Merged(weights, splitWeights, factor, grows);
                largest = grows ? splitLargest : largest;
            }

            y[((long)row * heads * headDim) + (head * headDim) + i] = sum / WithSink(sinks, head, hasSinks, largest, weights);
        }
    }

    /// <summary>The end of a task: its row, or what it has of a row for the second pass.</summary>
    internal static void Finish(
        ArrayView<float> sum, ArrayView<float> sinks, ArrayView<float> partial, ArrayView<float> y, AttentionShape shape, int row,
        int place, float largest, float weights)
    {
        int thread = Group.IdxX;
        int head = Grid.IdxY;
        int heads = shape.Cache.Heads;
        int d = shape.Cache.HeadDim;
        for (int i = thread; i < d; i += KernelLoader.GroupSize)
        {
            if (place < 0)
            {
                y[((long)row * heads * d) + (head * d) + i] = sum[i] / WithSink(sinks, head, shape.HasSinks, largest, weights);
            }
            else
            {
                partial[(((long)place * heads) + head) * (d + 2) + i] = sum[i];
            }
        }

        if (thread == 0 && place >= 0)
        {
            long behind = ((((long)place * heads) + head) * (d + 2)) + d;
            partial[behind] = largest;
            partial[behind + 1] = weights;
        }
    }

    /// <summary>The sum of the weights with that of the head's sink.</summary>
    internal static float WithSink(ArrayView<float> sinks, int head, int hasSinks, float largest, float weights)
    {
        float sum = weights;
        if (hasSinks == 1)
        {
            sum += MathF.Exp(sinks[head] - largest);
        }

        return sum;
    }

    /// <summary>
    /// What scores are measured from, given their largest: 0 where that is −∞, so that their weights are 0, and those of scores that are
    /// NaN stay it.
    /// </summary>
    internal static float Origin(float largest) => largest > float.NegativeInfinity ? largest : 0f;

    /// <summary>What the side with the smaller of both largest scores is multiplied by; the other side's factor is 1.</summary>
    internal static float Factor(float largest, float splitLargest, bool grows) =>
        MathF.Exp(grows ? largest - splitLargest : splitLargest - largest);

    /// <summary>
    /// The merge of one sum. The factor that is 1 is left out: with one product per sum there is one way to fuse them, so a compiler that
    /// does gives both kernels the same bits.
    /// </summary>
    internal static float Merged(float sum, float split, float factor, bool grows) =>
        grows ? (sum * factor) + split : (split * factor) + sum;
}
