using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Latent attention over 8-bit integers: of a token the latent and its scale, then the rotated key part and its own, each part padded to
/// whole runs of 16 columns.
/// </summary>
internal static class IntegerLatentKernels
{
    private const int SplitLog2 = 8;
    private const int Split = 1 << SplitLog2;
    private const int Padding = 32;

    /// <summary>
    /// Rotates as <see cref="LatentKernels.RotateAndStore"/> does, and writes kv [T, R + rotated] into the page of the row. A group per
    /// row.
    /// </summary>
    [Kernel]
    public static void RotateAndStore(
        ArrayView<float> q,
        ArrayView<float> kv,
        ArrayView<uint> pool,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> angles,
        LatentShape shape,
        IntegerCache kept)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int row = Grid.IdxX;
        int position = positions[row];
        LatentKernels.RotateRow(q, kv, row, position, angles, shape);
        long source = (long)row * shape.KeyColumns;
        Group.Barrier();
        long target = kept.Head(pages[tableStart[row] + (position >> kept.PageTokensLog2)], 0, kept.KeyWord);
        Store(kv, source, shape.Latent, pool, target + kept.Token(position), target + kept.Scale(position), shared);
        Store(
            kv, source + shape.Latent, shape.Rotated, pool, target + kept.Token(position) + (Padded(shape.Latent) >> 2),
            target + kept.Scale(position) + (1L << kept.PageTokensLog2), shared);
    }

    /// <summary>
    /// Groups: rows (x) times heads (y), as <see cref="LatentKernels.Attend"/>. A thread has whole tokens for the scores, and words of four
    /// columns for the sums.
    /// </summary>
    [Kernel]
    public static void Attend(
        ArrayView<float> absorbed,
        ArrayView<float> q,
        ArrayView<uint> pool,
        ArrayView<int> rowOf,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> y,
        LatentShape shape,
        IntegerCache kept)
    {
        ArrayView<float> query = SharedMemory.Allocate<float>(LatentKernels.MostColumns + Padding);
        ArrayView<float> sum = SharedMemory.Allocate<float>(LatentKernels.MostColumns + Padding);
        ArrayView<float> scores = SharedMemory.Allocate<float>(Split);
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int row = Grid.IdxX;
        int head = Grid.IdxY;
        int table = tableStart[row];
        int last = positions[row];
        int latent = Padded(shape.Latent);
        int columns = kept.TokenWords << 2;
        long routed = (long)rowOf[(row * shape.Heads) + head] * shape.Latent;
        long rotated = ((long)row * shape.Heads * shape.QueryColumns) + (head * shape.QueryColumns) + shape.Plain - latent;
        for (int i = thread; i < columns; i += KernelLoader.GroupSize)
        {
            float element = 0f;
            if (i < shape.Latent)
            {
                element = absorbed[routed + i];
            }

            if (i >= latent && i < latent + shape.Rotated)
            {
                element = q[rotated + i];
            }

            query[i] = element;
            sum[i] = 0;
        }

        float largest = float.NegativeInfinity;
        float weights = 0;
        Group.Barrier();
        for (int begin = 0; begin <= last; begin += Split)
        {
            int end = begin + Split < last + 1 ? begin + Split : last + 1;
            float threadLargest = float.NegativeInfinity;
            for (int j = begin + thread; j < end; j += KernelLoader.GroupSize)
            {
                long token = kept.Head(pages[table + (j >> kept.PageTokensLog2)], 0, kept.KeyWord);
                float dot = IntegerCacheKernels.Dot(pool, token + kept.Token(j), latent, query, 0)
                    * Interop.IntAsFloat(pool[token + kept.Scale(j)]);
                dot += IntegerCacheKernels.Dot(pool, token + kept.Token(j) + (latent >> 2), columns - latent, query, latent)
                    * Interop.IntAsFloat(pool[token + kept.Scale(j) + (1L << kept.PageTokensLog2)]);
                dot *= shape.Scale;
                scores[j - begin] = dot;
                threadLargest = MathF.Max(threadLargest, dot);
            }

            float next = MathF.Max(largest, RowReduction.Max(shared, threadLargest));
            float origin = AttentionKernels.Origin(next);
            float threadWeights = 0;
            for (int j = begin + thread; j < end; j += KernelLoader.GroupSize)
            {
                long token = kept.Head(pages[table + (j >> kept.PageTokensLog2)], 0, kept.KeyWord);
                float weight = MathF.Exp(scores[j - begin] - origin);
                scores[j - begin] = weight * Interop.IntAsFloat(pool[token + kept.Scale(j)]);
                threadWeights += weight;
            }

            float splitWeights = RowReduction.Sum(shared, threadWeights);
            float factor = MathF.Exp(largest - origin);
            for (int word = thread; word < latent >> 2; word += KernelLoader.GroupSize)
            {
                float v0 = 0;
                float v1 = 0;
                float v2 = 0;
                float v3 = 0;
                for (int j = begin; j < end; j++)
                {
                    long token = kept.Head(pages[table + (j >> kept.PageTokensLog2)], 0, kept.KeyWord);
                    uint four = pool[token + kept.Token(j) + word];
                    float weight = scores[j - begin];
                    v0 += weight * IntegerCache.Integer(four, 0);
                    v1 += weight * IntegerCache.Integer(four, 1);
                    v2 += weight * IntegerCache.Integer(four, 2);
                    v3 += weight * IntegerCache.Integer(four, 3);
                }

                int at = word << 2;
                sum[at] = (sum[at] * factor) + v0;
                sum[at + 1] = (sum[at + 1] * factor) + v1;
                sum[at + 2] = (sum[at + 2] * factor) + v2;
                sum[at + 3] = (sum[at + 3] * factor) + v3;
            }

            weights = (weights * factor) + splitWeights;
            largest = next;
            Group.Barrier();
        }

        for (int i = thread; i < shape.Latent; i += KernelLoader.GroupSize)
        {
            y[routed + i] = sum[i] / weights;
        }
    }

    /// <summary>Writes columns that share a scale; all threads of the group together.</summary>
    private static void Store(
        ArrayView<float> x, long source, int columns, ArrayView<uint> pool, long target, long scale, ArrayView<int> shared)
    {
        int negative = 0;
        for (int i = Group.IdxX; i < columns; i += KernelLoader.GroupSize)
        {
            int magnitude = IntegerCache.Magnitude(x[source + i]);
            negative = -magnitude < negative ? -magnitude : negative;
        }

        int largest = -RowReduction.Min(shared, negative);
        float inverse = IntegerCache.InverseOf(largest);
        for (int word = Group.IdxX; word < Padded(columns) >> 2; word += KernelLoader.GroupSize)
        {
            pool[target + word] = IntegerCache.Word(x, source, word << 2, columns, inverse);
        }

        if (Group.IdxX == 0)
        {
            pool[scale] = Interop.FloatAsInt(IntegerCache.ScaleOf(largest));
        }
    }

    private static int Padded(int columns) => (columns + 15) & ~15;
}
