using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>The product of experts that deltas are added to.</summary>
internal readonly struct ExpertLoraShape(int inputs, int width, int chosen, int firstEntry, int target, int column)
{
    /// <summary>Columns of x.</summary>
    public readonly int Inputs = inputs;

    /// <summary>Columns of y.</summary>
    public readonly int Width = width;

    /// <summary>Experts of a row, k.</summary>
    public readonly int Chosen = chosen;

    /// <summary>The first entry of the launch.</summary>
    public readonly int FirstEntry = firstEntry;

    /// <summary>Target index of expert 0.</summary>
    public readonly int Target = target;

    /// <summary>First column of the target in y.</summary>
    public readonly int Column = column;
}

/// <summary>
/// <see cref="LoraKernels"/> for experts: every entry of the work list once for each expert that its row has chosen, each with the matrices
/// of that expert. v of a chunk: <c>[entries, k, rank columns]</c>.
/// </summary>
internal static class ExpertLoraKernels
{
    private const int GroupRanksLog2 = 3;
    private const int LanesLog2 = KernelLoader.GroupSizeLog2 - GroupRanksLog2;
    private const int Lanes = 1 << LanesLog2;

    /// <summary>
    /// <c>v = x Aᵀ</c>. Groups: entries times k (x) times 8 rank rows (y). 16 threads share a rank row and take every 16th column; their
    /// sums are added in order.
    /// </summary>
    [Kernel]
    public static void Shrink(
        ArrayView<float> x,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryChunks,
        ArrayView<int> entryRows,
        ArrayView<int> experts,
        ArrayView<int> rowOf,
        ArrayView<float> v,
        ExpertLoraShape shape)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int entry = Grid.IdxX / shape.Chosen;
        int slot = Grid.IdxX - (entry * shape.Chosen);
        int chunk = entryChunks[entry] * LoraKernels.ChunkInts;
        long choice = ((long)entryRows[entry] * shape.Chosen) + slot;
        int record = chunks[chunk] + ((shape.Target + experts[choice]) * LoraKernels.RecordInts);
        int rank = directory[record];
        int firstRank = Grid.IdxY << GroupRanksLog2;
        if (firstRank >= rank)
        {
            return;
        }

        int type = directory[record + 2];
        int firstTile = directory[record + 3];
        int endTile = firstTile + (directory[record + 4] * LoraKernels.TileInts);
        int rankRow = firstRank + (thread >> LanesLog2);
        long begin = (long)rowOf[choice] * shape.Inputs;
        float sum = 0;
        for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
        {
            int row = rankRow - directory[tile + 1];
            if (row >= 0 && row < directory[tile + 2])
            {
                int span = directory[tile + 4];
                int column = directory[tile + 3];
                if (type == LoraKernels.F32)
                {
                    sum = Dot<float, StoredF32>(pool32, ((long)directory[tile] << 4) + ((long)row * span), span, x, begin + column, sum);
                }
                else if (type == LoraKernels.F16)
                {
                    sum = Dot<ushort, StoredF16>(pool16, ((long)directory[tile] << 5) + ((long)row * span), span, x, begin + column, sum);
                }
                else
                {
                    sum = Dot<ushort, StoredBf16>(pool16, ((long)directory[tile] << 5) + ((long)row * span), span, x, begin + column, sum);
                }
            }
        }

        sums[thread] = sum;
        Group.Barrier();
        if (thread < LoraKernels.GroupRanks && firstRank + thread < rank)
        {
            float total = 0;
            for (int i = 0; i < Lanes; i++)
            {
                total += sums[(thread << LanesLog2) + i];
            }

            v[PlaceOf(chunks, chunk, entry, slot, shape) + firstRank + thread] = total;
        }
    }

    /// <summary>
    /// <c>y += (weight · scale) · (v Bᵀ)</c> for the entries of one place, which have no row twice. Groups: 128 columns (x) times entries
    /// times k (y). A thread has one column and adds rank rows in order.
    /// </summary>
    [Kernel]
    public static void Expand(
        ArrayView<float> v,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryChunks,
        ArrayView<int> entryRows,
        ArrayView<float> entryWeights,
        ArrayView<int> experts,
        ArrayView<int> rowOf,
        ArrayView<float> y,
        ExpertLoraShape shape)
    {
        int fromFirst = Grid.IdxY / shape.Chosen;
        int slot = Grid.IdxY - (fromFirst * shape.Chosen);
        int entry = shape.FirstEntry + fromFirst;
        int chunk = entryChunks[entry] * LoraKernels.ChunkInts;
        long choice = ((long)entryRows[entry] * shape.Chosen) + slot;
        int record = chunks[chunk] + ((shape.Target + experts[choice]) * LoraKernels.RecordInts);
        if (directory[record] == 0)
        {
            return;
        }

        int column = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        float scale = Interop.IntAsFloat((uint)directory[record + 1]);
        int type = directory[record + 5];
        int firstTile = directory[record + 6];
        int endTile = firstTile + (directory[record + 7] * LoraKernels.TileInts);
        long begin = PlaceOf(chunks, chunk, entry, slot, shape);
        float sum = 0;
        int found = 0;
        for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
        {
            int inTile = column - directory[tile + 3];
            int span = directory[tile + 4];
            if (inTile >= 0 && inTile < span)
            {
                found = 1;
                long first = begin + directory[tile + 1];
                int rows = directory[tile + 2];
                if (type == LoraKernels.F32)
                {
                    sum = Combine<float, StoredF32>(pool32, ((long)directory[tile] << 4) + inTile, span, rows, v, first, sum);
                }
                else if (type == LoraKernels.F16)
                {
                    sum = Combine<ushort, StoredF16>(pool16, ((long)directory[tile] << 5) + inTile, span, rows, v, first, sum);
                }
                else
                {
                    sum = Combine<ushort, StoredBf16>(pool16, ((long)directory[tile] << 5) + inTile, span, rows, v, first, sum);
                }
            }
        }

        if (found == 1)
        {
            y[((long)rowOf[choice] * shape.Width) + shape.Column + column] += entryWeights[entry] * scale * sum;
        }
    }

    private static long PlaceOf(ArrayView<int> chunks, int chunk, int entry, int slot, ExpertLoraShape shape)
    {
        long inChunk = ((long)(entry - chunks[chunk + 1]) * shape.Chosen) + slot;
        return ((long)chunks[chunk + 3] * shape.Chosen) + (inChunk * chunks[chunk + 4]);
    }

    private static float Dot<TStored, TElement>(ArrayView<TStored> pool, long a, int span, ArrayView<float> x, long begin, float sum)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        for (int c = Group.IdxX & (Lanes - 1); c < span; c += Lanes)
        {
            sum += TElement.Load(pool[a + c]) * x[begin + c];
        }

        return sum;
    }

    private static float Combine<TStored, TElement>(
        ArrayView<TStored> pool, long b, int span, int rows, ArrayView<float> v, long first, float sum)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        for (int r = 0; r < rows; r++)
        {
            sum += TElement.Load(pool[b + ((long)r * span)]) * v[first + r];
        }

        return sum;
    }
}
