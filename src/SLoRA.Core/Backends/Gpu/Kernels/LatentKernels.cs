using ILGPU;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Sizes of latent attention, and where a layer's latents lie in a page; lengths in elements of the cache's type.</summary>
internal readonly struct LatentShape(LatentAttention attention, int pageTokensLog2, long pageElements, long offset)
{
    public readonly int Heads = attention.Heads;
    public readonly int Latent = attention.Latent;
    public readonly int Plain = attention.Plain;
    public readonly int Rotated = attention.Rotated;
    public readonly int AdjacentPairs = attention.AdjacentPairs ? 1 : 0;
    public readonly float Scale = attention.ScoreScale;
    public readonly int PageTokensLog2 = pageTokensLog2;
    public readonly long PageElements = pageElements;
    public readonly long Offset = offset;

    /// <summary>Columns of a head's query.</summary>
    public int QueryColumns => Plain + Rotated;

    /// <summary>Columns that are kept of a token.</summary>
    public int KeyColumns => Latent + Rotated;

    /// <summary>Where what is kept of a position lies in the pool.</summary>
    public long Kept(int page, int position) =>
        (page * PageElements) + Offset + ((long)(position & ((1 << PageTokensLog2) - 1)) * KeyColumns);
}

/// <summary>
/// Latent attention: of a token its latent and a rotated key part lie in the page, <c>[pageTokens, R + rotated]</c>, and queries come
/// absorbed into the space of the latent.
/// </summary>
internal static class LatentKernels
{
    /// <summary>The most columns that are kept of a token.</summary>
    public const int MostColumns = 1280;

    private const int SplitLog2 = 8;
    private const int Split = 1 << SplitLog2;

    /// <summary>
    /// Rotates the last columns of every head's query, q [T, H (plain + rotated)], and of kv [T, R + rotated], and writes kv into the page
    /// of the row. A group per row (x); a thread takes every 128th pair. angles [positions, rotated]: cosines before sines.
    /// </summary>
    [Kernel(typed: true)]
    public static void RotateAndStore<TStored, TElement>(
        ArrayView<float> q,
        ArrayView<float> kv,
        ArrayView<TStored> pool,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> angles,
        LatentShape shape)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        int row = Grid.IdxX;
        int position = positions[row];
        RotateRow(q, kv, row, position, angles, shape);
        Group.Barrier();
        long target = shape.Kept(pages[tableStart[row] + (position >> shape.PageTokensLog2)], position);
        for (int i = Group.IdxX; i < shape.KeyColumns; i += KernelLoader.GroupSize)
        {
            pool[target + i] = TElement.Store(kv[((long)row * shape.KeyColumns) + i]);
        }
    }

    /// <summary>
    /// Groups: rows (x) times heads (y). Positions go in splits of 256 as in <see cref="AttentionKernels"/>, one group through all of them.
    /// absorbed, y: routed rows [T H, R]; q [T, H (plain + rotated)].
    /// </summary>
    [Kernel(typed: true)]
    public static void Attend<TStored, TElement>(
        ArrayView<float> absorbed,
        ArrayView<float> q,
        ArrayView<TStored> pool,
        ArrayView<int> rowOf,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> y,
        LatentShape shape)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        ArrayView<float> query = SharedMemory.Allocate<float>(MostColumns);
        ArrayView<float> sum = SharedMemory.Allocate<float>(MostColumns);
        ArrayView<float> scores = SharedMemory.Allocate<float>(Split);
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int row = Grid.IdxX;
        int head = Grid.IdxY;
        int table = tableStart[row];
        int last = positions[row];
        long routed = (long)rowOf[(row * shape.Heads) + head] * shape.Latent;
        long rotated = ((long)row * shape.Heads * shape.QueryColumns) + (head * shape.QueryColumns) + shape.Plain - shape.Latent;
        for (int i = thread; i < shape.KeyColumns; i += KernelLoader.GroupSize)
        {
            if (i < shape.Latent)
            {
                query[i] = absorbed[routed + i];
            }
            else
            {
                query[i] = q[rotated + i];
            }

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
                long key = shape.Kept(pages[table + (j >> shape.PageTokensLog2)], j);
                float dot = 0;
                for (int i = 0; i < shape.KeyColumns; i++)
                {
                    dot += query[i] * TElement.Load(pool[key + i]);
                }

                dot *= shape.Scale;
                scores[j - begin] = dot;
                threadLargest = MathF.Max(threadLargest, dot);
            }

            float next = MathF.Max(largest, RowReduction.Max(shared, threadLargest));
            float origin = AttentionKernels.Origin(next);
            float threadWeights = 0;
            for (int j = begin + thread; j < end; j += KernelLoader.GroupSize)
            {
                float weight = MathF.Exp(scores[j - begin] - origin);
                scores[j - begin] = weight;
                threadWeights += weight;
            }

            float splitWeights = RowReduction.Sum(shared, threadWeights);
            float factor = MathF.Exp(largest - origin);
            for (int i = thread; i < shape.Latent; i += KernelLoader.GroupSize)
            {
                float values = 0;
                for (int j = begin; j < end; j++)
                {
                    values += scores[j - begin] * TElement.Load(pool[shape.Kept(pages[table + (j >> shape.PageTokensLog2)], j) + i]);
                }

                sum[i] = (sum[i] * factor) + values;
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

    /// <summary>Every row chooses every expert: a thread per choice.</summary>
    [Kernel]
    public static void ChooseAll(ArrayView<int> experts, ArrayView<float> weights, int choices, int chosen)
    {
        int choice = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (choice < choices)
        {
            experts[choice] = choice % chosen;
            weights[choice] = 1;
        }
    }

    /// <summary><c>y[p] = x[t, first + h · stride …]</c>: a group per routed row (x) and 128 columns (y). x [T, width].</summary>
    [Kernel]
    public static void TakeHeads(
        ArrayView<float> x, ArrayView<int> choiceOf, ArrayView<float> y, int heads, int width, int firstColumn, int stride, int columns)
    {
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < columns)
        {
            int choice = choiceOf[Grid.IdxX];
            int row = choice / heads;
            int head = choice - (row * heads);
            y[((long)Grid.IdxX * columns) + column] = x[((long)row * width) + firstColumn + (head * stride) + column];
        }
    }

    /// <summary><c>y[t, h · columns …] = x[p]</c>: a group per routed row (x) and 128 columns (y).</summary>
    [Kernel]
    public static void PutHeads(ArrayView<float> x, ArrayView<int> choiceOf, ArrayView<float> y, int columns)
    {
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < columns)
        {
            // Choices are rows times heads, so a choice's columns follow one another.
            y[((long)choiceOf[Grid.IdxX] * columns) + column] = x[((long)Grid.IdxX * columns) + column];
        }
    }

    /// <summary>Rotates the last columns of every head's query and of what is kept of a row; all threads of the group together.</summary>
    internal static void RotateRow(
        ArrayView<float> q, ArrayView<float> kv, int row, int position, ArrayView<float> angles, LatentShape shape)
    {
        int half = shape.Rotated >> 1;
        long angle = (long)position * shape.Rotated;
        long queries = (long)row * shape.Heads * shape.QueryColumns;
        int pairs = shape.Heads * half;
        for (int i = Group.IdxX; i < pairs; i += KernelLoader.GroupSize)
        {
            int head = i / Math.Max(1, half);
            int pair = i - (head * half);
            long first = queries + (head * shape.QueryColumns) + shape.Plain;
            Rotate(q, first, pair, half, angles[angle + pair], angles[angle + half + pair], shape.AdjacentPairs);
        }

        long kept = ((long)row * shape.KeyColumns) + shape.Latent;
        for (int pair = Group.IdxX; pair < half; pair += KernelLoader.GroupSize)
        {
            Rotate(kv, kept, pair, half, angles[angle + pair], angles[angle + half + pair], shape.AdjacentPairs);
        }
    }

    private static void Rotate(ArrayView<float> x, long first, int pair, int half, float cos, float sin, int adjacent)
    {
        long left = first + pair;
        long right = first + pair + half;
        if (adjacent == 1)
        {
            left = first + (2 * pair);
            right = left + 1;
        }

        float a = x[left];
        float b = x[right];
        x[left] = (a * cos) - (b * sin);
        x[right] = (b * cos) + (a * sin);
    }
}
