using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Keys and values as 8-bit integers with a scale for each token and head: scale = max |x| / 127, integer = round(x · (127 / max |x|)).
/// Attention is that of <see cref="AttentionKernels"/>, split by split; integers become fp32 in registers, scores get the scale of their
/// key, and weights that of their value.
/// </summary>
internal static class IntegerCacheKernels
{
    private const int LanesLog2 = 3;
    private const int Lanes = 1 << LanesLog2;
    private const int SplitLog2 = 8;

    /// <summary>
    /// Rotation in place and the write into the cache: qkv [T, (H + 2G) d] as in <see cref="RotateAndStoreKernel"/>. A group per row. Eight
    /// threads have a key or a value of a head: each the columns c with c mod 8 its own for the largest, then every eighth word.
    /// </summary>
    [Kernel]
    public static void RotateAndStore(
        ArrayView<float> qkv,
        ArrayView<uint> pool,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> angles,
        CacheShape shape,
        IntegerCache kept,
        RotationShape rotation)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int row = Grid.IdxX;
        int position = positions[row];
        int table = tableStart[row];
        if (table == RotateAndStoreKernel.NoTable)
        {
            return;
        }

        int page = pages[table + (position >> kept.PageTokensLog2)];
        int turns = position;
        if (rotation.ByRow != 0)
        {
            turns = row;
        }

        long begin = (long)row * shape.Width;
        RotateAndStoreKernel.RotateHeads(qkv, begin, shape.Heads + shape.KeyHeads, shape.HeadDim, angles, turns, rotation);
        Group.Barrier();
        int lane = thread & (Lanes - 1);
        int pieces = 2 * shape.KeyHeads;
        for (int first = 0; first < pieces; first += KernelLoader.GroupSize >> LanesLog2)
        {
            int piece = first + (thread >> LanesLog2);
            long source = begin + ((long)(shape.Heads + piece) * shape.HeadDim);
            int largest = 0;
            if (piece < pieces)
            {
                for (int i = lane; i < shape.HeadDim; i += Lanes)
                {
                    int magnitude = IntegerCache.Magnitude(qkv[source + i]);
                    largest = magnitude > largest ? magnitude : largest;
                }
            }

            shared[thread] = largest;
            Group.Barrier();
            for (int i = 0; i < Lanes; i++)
            {
                int other = shared[(thread - lane) + i];
                largest = other > largest ? other : largest;
            }

            if (piece < pieces)
            {
                int head = piece;
                long block = kept.KeyWord;
                if (piece >= shape.KeyHeads)
                {
                    head = piece - shape.KeyHeads;
                    block = kept.ValueWord;
                }

                long target = kept.Head(page, head, block);
                float inverse = IntegerCache.InverseOf(largest);
                for (int word = lane; word < kept.TokenWords; word += Lanes)
                {
                    pool[target + kept.Token(position) + word] = IntegerCache.Word(qkv, source, word << 2, shape.HeadDim, inverse);
                }

                if (lane == 0)
                {
                    pool[target + kept.Scale(position)] = Interop.FloatAsInt(IntegerCache.ScaleOf(largest));
                }
            }

            Group.Barrier();
        }
    }

    /// <summary>
    /// Groups: tasks (x) times heads (y), as <see cref="AttentionKernels.Attend"/>. A thread has whole keys for the scores. For the values
    /// threads have a word of four columns each and, where that leaves some over, every second, fourth … position of a split: their sums
    /// are added in order.
    /// </summary>
    [Kernel]
    public static void Attend(
        ArrayView<float> qkv,
        ArrayView<uint> pool,
        ArrayView<int> tasks,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> sinks,
        ArrayView<float> partial,
        ArrayView<float> y,
        AttentionShape shape,
        IntegerCache kept)
    {
        ArrayView<float> query = SharedMemory.Allocate<float>(AttentionKernels.LargestHead);
        ArrayView<float> sum = SharedMemory.Allocate<float>(AttentionKernels.LargestHead);
        ArrayView<float> parts = SharedMemory.Allocate<float>(AttentionKernels.LargestHead);
        ArrayView<float> scores = SharedMemory.Allocate<float>(AttentionKernels.Split);
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        CacheShape cache = shape.Cache;
        int thread = Group.IdxX;
        int d = cache.HeadDim;
        int columns = kept.TokenWords << 2;
        int head = Grid.IdxY;
        int keyHead = cache.KeyHeadOf(head);
        int task = Grid.IdxX * AttentionKernels.TaskInts;
        int row = tasks[task];
        if (row == AttentionKernels.NoRow)
        {
            return;
        }

        int firstSplit = tasks[task + 1];
        int endSplit = firstSplit + tasks[task + 2];
        int place = tasks[task + 3];
        int table = tableStart[row];
        int last = positions[row];
        int first = shape.FirstOf(last);

        // A power of two of threads that share a word's positions.
        int sharers = 1;
        while ((sharers << 1) * kept.TokenWords <= KernelLoader.GroupSize)
        {
            sharers <<= 1;
        }

        int sharer = thread / kept.TokenWords;
        int word = thread - (sharer * kept.TokenWords);
        for (int i = thread; i < columns; i += KernelLoader.GroupSize)
        {
            float q = 0f;
            if (i < d)
            {
                q = qkv[((long)row * cache.Width) + (head * d) + i];
            }

            query[i] = q;
            sum[i] = 0;
        }

        float largest = float.NegativeInfinity;
        float weights = 0;
        Group.Barrier();
        for (int split = firstSplit; split < endSplit; split++)
        {
            int begin = split << SplitLog2;
            int end = begin + AttentionKernels.Split;
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
                long keys = kept.Head(pages[table + (j >> kept.PageTokensLog2)], keyHead, kept.KeyWord);
                float dot = Dot(pool, keys + kept.Token(j), columns, query, 0);
                dot *= Interop.IntAsFloat(pool[keys + kept.Scale(j)]);
                dot *= shape.Scale;
                if (shape.Cap > 0)
                {
                    dot = ElementKernels.Capped(dot, shape.Cap);
                }

                scores[j - begin] = dot;
                threadLargest = MathF.Max(threadLargest, dot);
            }

            float splitLargest = RowReduction.Max(shared, threadLargest);
            float origin = AttentionKernels.Origin(splitLargest);
            float threadWeights = 0;
            for (int j = begin + thread; j < end; j += KernelLoader.GroupSize)
            {
                long values = kept.Head(pages[table + (j >> kept.PageTokensLog2)], keyHead, kept.ValueWord);
                float weight = MathF.Exp(scores[j - begin] - origin);
                scores[j - begin] = weight * Interop.IntAsFloat(pool[values + kept.Scale(j)]);
                threadWeights += weight;
            }

            float splitWeights = RowReduction.Sum(shared, threadWeights);
            if (splitWeights == 0)
            {
                // No score is above −∞.
                continue;
            }

            bool grows = splitLargest > largest;
            float factor = AttentionKernels.Factor(largest, splitLargest, grows);
            if (sharer < sharers)
            {
                float v0 = 0;
                float v1 = 0;
                float v2 = 0;
                float v3 = 0;
                for (int j = begin + ((sharer - begin) & (sharers - 1)); j < end; j += sharers)
                {
                    long values = kept.Head(pages[table + (j >> kept.PageTokensLog2)], keyHead, kept.ValueWord);
                    uint four = pool[values + kept.Token(j) + word];
                    float weight = scores[j - begin];
                    v0 += weight * IntegerCache.Integer(four, 0);
                    v1 += weight * IntegerCache.Integer(four, 1);
                    v2 += weight * IntegerCache.Integer(four, 2);
                    v3 += weight * IntegerCache.Integer(four, 3);
                }

                int at = (sharer * columns) + (word << 2);
                parts[at] = v0;
                parts[at + 1] = v1;
                parts[at + 2] = v2;
                parts[at + 3] = v3;
            }

            Group.Barrier();
            for (int i = thread; i < d; i += KernelLoader.GroupSize)
            {
                float values = parts[i];
                for (int other = 1; other < sharers; other++)
                {
                    values += parts[(other * columns) + i];
                }

                sum[i] = AttentionKernels.Merged(sum[i], values, factor, grows);
            }

            weights = AttentionKernels.Merged(weights, splitWeights, factor, grows);
            largest = grows ? splitLargest : largest;
            Group.Barrier();
        }

        AttentionKernels.Finish(sum, sinks, partial, y, shape, row, place, largest, weights);
    }

    /// <summary>
    /// <c>Σ q[first + i] · integers[i]</c>, i ascending, of so many columns, whole runs of 16, in loads of 16 bytes.
    /// </summary>
    public static float Dot(ArrayView<uint> pool, long begin, int columns, ArrayView<float> q, int first)
    {
        ArrayView<Words4> words = pool.Cast<Words4>();
        float sum = 0;
        for (int i = 0; i < columns; i += 16)
        {
            Words4 four = words[(begin >> 2) + (i >> 4)];
            sum = Add(four.X, q, first + i, sum);
            sum = Add(four.Y, q, first + i + 4, sum);
            sum = Add(four.Z, q, first + i + 8, sum);
            sum = Add(four.W, q, first + i + 12, sum);
        }

        return sum;
    }

    private static float Add(uint word, ArrayView<float> q, int i, float sum)
    {
        sum += q[i] * IntegerCache.Integer(word, 0);
        sum += q[i + 1] * IntegerCache.Integer(word, 1);
        sum += q[i + 2] * IntegerCache.Integer(word, 2);
        sum += q[i + 3] * IntegerCache.Integer(word, 3);
        return sum;
    }
}
