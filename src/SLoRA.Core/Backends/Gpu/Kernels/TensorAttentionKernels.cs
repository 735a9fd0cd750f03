using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// The attention of <see cref="AttentionKernels"/> on tensor cores: 16 queries that read the same keys and values share a tile, the query
/// heads of a key head and neighbouring rows of a prompt. A split is four blocks of 64 positions, each with its own largest score, weights
/// and values, merged in order as splits are. What a query sums, and in which order, is the same in both kernels and in any tile.
/// </summary>
internal static class TensorAttentionKernels
{
    /// <summary>Ints of a walk: first row, rows.</summary>
    public const int WalkInts = 2;

    /// <summary>Rows of a walk at most: as many as a group takes where a key head has one query head.</summary>
    public const int WalkRows = 4 * TensorAttention.Slots;

    private const int SplitLog2 = 8;
    private const int Warps = KernelLoader.GroupSize / 32;

    /// <summary>Floats of a slot's columns in shared memory: so that slots of neighbouring threads meet all banks.</summary>
    private const int SlotFloats = TensorAttention.Columns + 8;

    /// <summary>Fours of a lane's sums of 64 columns.</summary>
    private const int UnitFours = 8;

    /// <summary>Those of 128 columns, of the splits so far; behind them are those of a split's second 64.</summary>
    private const int WholeFours = 2 * UnitFours;

    /// <summary>
    /// A split of a single row: a warp has a block of it, and the blocks are merged in shared memory. Groups: tasks with a place (x) times
    /// key heads and blocks of their query heads (y). partial [places, H, d + 2] receives o, m, l.
    /// </summary>
    [Kernel(cache: true, resident: 2)]
    public static void Split<TStored, TElements>(
        ArrayView<float> qkv,
        ArrayView<TStored> pool,
        ArrayView<int> tasks,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> partial,
        AttentionShape shape,
        CacheBlocks blocks,
        QuerySharing sharing)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        ArrayView<float> values = SharedMemory.Allocate<float>(Warps * TensorAttention.Slots * SlotFloats).AsAligned(16);
        ArrayView<float> largest = SharedMemory.Allocate<float>(Warps * TensorAttention.Slots);
        ArrayView<float> sums = SharedMemory.Allocate<float>(Warps * TensorAttention.Slots);
        int thread = Group.IdxX;
        int warp = thread >> 5;
        int lane = thread & 31;
        int d = shape.Cache.HeadDim;
        int task = Grid.IdxX * AttentionKernels.TaskInts;
        int row = tasks[task];
        if (row == AttentionKernels.NoRow)
        {
            return;
        }

        int split = tasks[task + 1];
        int place = tasks[task + 3];
        int last = positions[row];
        int keyHead = Grid.IdxY / sharing.HeadBlocks;
        QueryTile tile = QueryTile.Of(shape.Cache, sharing, keyHead, Grid.IdxY % sharing.HeadBlocks, row, 1, last);
        if (!tile.HasHeads)
        {
            return;
        }

        // Eight threads have a slot's columns.
        int slot = thread >> 3;
        bool has = tile.Has(slot);
        long into = (((long)place * shape.Cache.Heads) + (has ? tile.HeadOf(slot) : 0)) * (d + 2);
        int low = shape.FirstOf(last);
        int begin = split << SplitLog2;
        int end = begin + AttentionKernels.Split;
        low = low > begin ? low : begin;
        end = end < last + 1 ? end : last + 1;
        if (low >= end)
        {
            // Wholly outside of what the row sees.
            if (has && (thread & 7) == 0)
            {
                partial[into + d] = float.NegativeInfinity;
                partial[into + d + 1] = 0;
            }

            return;
        }

        begin += warp << TensorAttention.BlockLog2;
        QueryPair queries = QueryPair.Of(tile, shape, lane >> 2);
        var range = new CacheRange(tableStart[row], low, end, low, end);
        int keysOfHead = blocks.KeyUnit + (keyHead * blocks.HeadUnits);
        int valuesOfHead = blocks.ValueUnit + (keyHead * blocks.HeadUnits);
        Sums16x64 weights = TensorAttention.Score<TStored, TElements>(qkv, pool, pages, blocks, range, queries, begin, keysOfHead, shape);
        QueryNumbers most = TensorAttention.Largest(weights);
        weights = TensorAttention.Weigh(weights, most);
        QueryNumbers total = TensorAttention.Total(weights);
        int own = (warp * TensorAttention.Slots) + (lane >> 2);
        if ((lane & 3) == 0)
        {
            largest[own] = most.Upper;
            largest[own + 8] = most.Lower;
            sums[own] = total.Upper;
            sums[own + 8] = total.Lower;
        }

        for (int first = 0; first < d; first += TensorAttention.Columns)
        {
            UnitSums block = TensorAttention.Values<TStored, TElements>(
                pool, pages, blocks, range, queries, weights, begin, valuesOfHead, first, d);
            Put(values, (own * SlotFloats) + ((lane & 3) << 4), block);
            Group.Barrier();
            Eight merged = Merged(values, largest, sums, slot, thread & 7);
            if (has)
            {
                Store(partial, into, first + (thread & 7), d, merged);
            }

            Group.Barrier();
        }

        if (has && (thread & 7) == 0)
        {
            float highest = float.NegativeInfinity;
            float sum = 0;
            for (int block = 0; block < Warps; block++)
            {
                float next = largest[(block * TensorAttention.Slots) + slot];
                float ofBlock = sums[(block * TensorAttention.Slots) + slot];
                if (ofBlock != 0)
                {
                    bool grows = next > highest;
                    sum = AttentionKernels.Merged(sum, ofBlock, AttentionKernels.Factor(highest, next, grows), grows);
                    highest = grows ? next : highest;
                }
            }

            partial[into + d] = highest;
            partial[into + d + 1] = sum;
        }
    }

    /// <summary>
    /// Rows that follow one another, from the first position that one of them sees to their own: a warp has a tile, of heads of more than
    /// 128 columns every second, and half of its columns. Groups: walks (x) times key heads, blocks of their query heads and blocks of the
    /// walk's rows (y). y [T, H d].
    /// </summary>
    [Kernel(cache: true, resident: 2)]
    public static void Walk<TStored, TElements>(
        ArrayView<float> qkv,
        ArrayView<TStored> pool,
        ArrayView<int> walks,
        ArrayView<int> positions,
        ArrayView<int> tableStart,
        ArrayView<int> pages,
        ArrayView<float> sinks,
        ArrayView<float> y,
        AttentionShape shape,
        CacheBlocks blocks,
        QuerySharing sharing)
        where TStored : unmanaged
        where TElements : struct, ICacheElements<TStored>
    {
        // What a thread has of the splits so far, and of this split's columns from 64 on: nobody else's, so there is no barrier.
        ArrayView<Floats4> totals = SharedMemory.Allocate<Floats4>((WholeFours + UnitFours) * KernelLoader.GroupSize).AsAligned(16);
        int d = shape.Cache.HeadDim;
        int inGroup = sharing.Tiles * sharing.Rows;
        int firstRow = Grid.IdxY % sharing.RowBlocks * inGroup;
        int rows = walks[(Grid.IdxX * WalkInts) + 1] - firstRow;
        rows = rows < inGroup ? rows : inGroup;
        if (rows <= 0)
        {
            return;
        }

        firstRow += walks[Grid.IdxX * WalkInts];
        QueryTile tile = TileOf(walks, positions, shape, sharing, Grid.IdxX, Grid.IdxY, Group.IdxX);
        if (!tile.HasHeads)
        {
            return;
        }

        int keyHead = Grid.IdxY / (sharing.RowBlocks * sharing.HeadBlocks);
        int firstColumn = FirstColumn(sharing, Group.IdxX);
        int position = positions[firstRow];
        QueryPair queries = QueryPair.Of(tile, shape, (Group.IdxX & 31) >> 2);
        int lastPosition = position + rows - 1;
        var range = new CacheRange(
            tableStart[firstRow], shape.FirstOf(position), lastPosition + 1, shape.FirstOf(lastPosition), position + 1);
        int keysOfHead = blocks.KeyUnit + (keyHead * blocks.HeadUnits);
        int valuesOfHead = blocks.ValueUnit + (keyHead * blocks.HeadUnits);
        for (int i = 0; i < WholeFours + UnitFours; i++)
        {
            totals[(i * KernelLoader.GroupSize) + Group.IdxX] = default;
        }

        var left = default(UnitSums);
        QueryNumbers nothing;
        nothing.Upper = float.NegativeInfinity;
        nothing.Lower = float.NegativeInfinity;
        QueryNumbers largest = nothing;
        QueryNumbers wholeLargest = nothing;
        QueryNumbers sum = default;
        QueryNumbers wholeSum = default;
        int endBlock = (range.High + TensorAttention.Block - 1) >> TensorAttention.BlockLog2;
        for (int block = range.Low >> TensorAttention.BlockLog2; block < endBlock; block++)
        {
            int begin = block << TensorAttention.BlockLog2;
            Sums16x64 weights = TensorAttention.Score<TStored, TElements>(
                qkv, pool, pages, blocks, range, queries, begin, keysOfHead, shape);
            QueryNumbers most = TensorAttention.Largest(weights);
            weights = TensorAttention.Weigh(weights, most);
            QueryNumbers total = TensorAttention.Total(weights);
            QueryMerge merge = QueryMerge.Of(largest, most, total);
            sum = merge.Sum(sum, total);
            largest = merge.Larger(largest, most);
            left = merge.Sum(left, TensorAttention.Values<TStored, TElements>(
                pool, pages, blocks, range, queries, weights, begin, valuesOfHead, firstColumn, d));
            if (d > TensorAttention.Columns)
            {
                int column = firstColumn + TensorAttention.Columns;
                AddTo(totals, WholeFours, merge, TensorAttention.Values<TStored, TElements>(
                    pool, pages, blocks, range, queries, weights, begin, valuesOfHead, column, d));
            }

            // The end of a split, or of the rows.
            if (((block + 1) & (Warps - 1)) == 0 || block + 1 == endBlock)
            {
                QueryMerge splits = QueryMerge.Of(wholeLargest, largest, sum);
                wholeSum = splits.Sum(wholeSum, sum);
                wholeLargest = splits.Larger(wholeLargest, largest);
                AddTo(totals, 0, splits, left);
                if (d > TensorAttention.Columns)
                {
                    AddTo(totals, UnitFours, splits, Take(totals, WholeFours));
                    for (int i = WholeFours; i < WholeFours + UnitFours; i++)
                    {
                        totals[(i * KernelLoader.GroupSize) + Group.IdxX] = default;
                    }
                }

                largest = nothing;
                sum = default;
                left = default;
            }
        }

        // Computed anew, instead of kept in registers beside what the loop needs.
        int thread = LoopRegisters.Again(Group.IdxX);
        int slot = (thread & 31) >> 2;
        int atColumn = FirstColumn(sharing, thread) + ((thread & 3) << 4);
        tile = TileOf(
            walks, positions, shape, sharing, LoopRegisters.Again(Grid.IdxX), LoopRegisters.Again(Grid.IdxY), thread);
        float upper = 0;
        float lower = 0;
        if (tile.Has(slot))
        {
            upper = AttentionKernels.WithSink(sinks, tile.HeadOf(slot), shape.HasSinks, wholeLargest.Upper, wholeSum.Upper);
        }

        if (tile.Has(slot + 8))
        {
            lower = AttentionKernels.WithSink(sinks, tile.HeadOf(slot + 8), shape.HasSinks, wholeLargest.Lower, wholeSum.Lower);
        }

        for (int unit = 0; unit < WholeFours; unit += UnitFours)
        {
            UnitSums own = Take(totals, unit);
            int column = atColumn + (unit << 3);
            if (tile.Has(slot))
            {
                long at = ((long)tile.RowOf(slot) * shape.Cache.Heads * d) + (tile.HeadOf(slot) * d) + column;
                Store(y, at, column, d, own.First(), upper);
                Store(y, at + 8, column + 8, d, own.Second(), upper);
            }

            if (tile.Has(slot + 8))
            {
                long at = ((long)tile.RowOf(slot + 8) * shape.Cache.Heads * d) + (tile.HeadOf(slot + 8) * d) + column;
                Store(y, at, column, d, own.LowerFirst(), lower);
                Store(y, at + 8, column + 8, d, own.LowerSecond(), lower);
            }
        }
    }

    /// <summary>The tile of a thread's warp; without rows where the walk has no more.</summary>
    private static QueryTile TileOf(
        ArrayView<int> walks, ArrayView<int> positions, AttentionShape shape, QuerySharing sharing, int walk, int part, int thread)
    {
        int warp = thread >> 5;
        int tile = sharing.Tiles == Warps ? warp : warp >> 1;
        int firstRow = ((part % sharing.RowBlocks * sharing.Tiles) + tile) * sharing.Rows;
        int rows = walks[(walk * WalkInts) + 1] - firstRow;
        rows = rows < sharing.Rows ? rows : sharing.Rows;
        int row = walks[walk * WalkInts] + (rows > 0 ? firstRow : 0);
        int heads = part / sharing.RowBlocks;
        return QueryTile.Of(
            shape.Cache, sharing, heads / sharing.HeadBlocks, heads % sharing.HeadBlocks, row, rows > 0 ? rows : 0, positions[row]);
    }

    /// <summary>The first column of a thread's warp.</summary>
    private static int FirstColumn(QuerySharing sharing, int thread) =>
        sharing.Tiles == Warps ? 0 : ((thread >> 5) & 1) * 2 * TensorAttention.Columns;

    private static void Put(ArrayView<float> values, int place, UnitSums own)
    {
        ArrayView<Floats4> fours = values.Cast<Floats4>();
        Put(fours, place >> 2, own.First());
        Put(fours, (place >> 2) + 2, own.Second());
        int lower = (place + (8 * SlotFloats)) >> 2;
        Put(fours, lower, own.LowerFirst());
        Put(fours, lower + 2, own.LowerSecond());
    }

    private static void Put(ArrayView<Floats4> fours, int place, Eight unit)
    {
        fours[place] = unit.First;
        fours[place + 1] = unit.Second;
    }

    /// <summary>The blocks of a split, in order: every eighth column of a slot.</summary>
    private static Eight Merged(
        ArrayView<float> values, ArrayView<float> largest, ArrayView<float> weights, int slot, int column)
    {
        var sums = default(Eight);
        float highest = float.NegativeInfinity;
        for (int block = 0; block < Warps; block++)
        {
            int of = (block * TensorAttention.Slots) + slot;
            float next = largest[of];
            if (weights[of] != 0)
            {
                bool grows = next > highest;
                float factor = AttentionKernels.Factor(highest, next, grows);
                highest = grows ? next : highest;
                int at = (of * SlotFloats) + column;
                sums.First.X = AttentionKernels.Merged(sums.First.X, values[at], factor, grows);
                sums.First.Y = AttentionKernels.Merged(sums.First.Y, values[at + 8], factor, grows);
                sums.First.Z = AttentionKernels.Merged(sums.First.Z, values[at + 16], factor, grows);
                sums.First.W = AttentionKernels.Merged(sums.First.W, values[at + 24], factor, grows);
                sums.Second.X = AttentionKernels.Merged(sums.Second.X, values[at + 32], factor, grows);
                sums.Second.Y = AttentionKernels.Merged(sums.Second.Y, values[at + 40], factor, grows);
                sums.Second.Z = AttentionKernels.Merged(sums.Second.Z, values[at + 48], factor, grows);
                sums.Second.W = AttentionKernels.Merged(sums.Second.W, values[at + 56], factor, grows);
            }
        }

        return sums;
    }

    /// <summary>Every eighth column, those that the head has.</summary>
    private static void Store(ArrayView<float> partial, long into, int column, int d, Eight sums)
    {
        Store(partial, into, column, d, sums.First.X);
        Store(partial, into, column + 8, d, sums.First.Y);
        Store(partial, into, column + 16, d, sums.First.Z);
        Store(partial, into, column + 24, d, sums.First.W);
        Store(partial, into, column + 32, d, sums.Second.X);
        Store(partial, into, column + 40, d, sums.Second.Y);
        Store(partial, into, column + 48, d, sums.Second.Z);
        Store(partial, into, column + 56, d, sums.Second.W);
    }

    private static void Store(ArrayView<float> partial, long into, int column, int d, float sum)
    {
        if (column < d)
        {
            partial[into + column] = sum;
        }
    }

    /// <summary>Eight columns, divided by the sum of their weights, if the head has them.</summary>
    private static void Store(ArrayView<float> y, long at, int column, int d, Eight sums, float weights)
    {
        if (column < d)
        {
            ArrayView<Floats4> fours = y.Cast<Floats4>();
            fours[at >> 2] = Divided(sums.First, weights);
            fours[(at >> 2) + 1] = Divided(sums.Second, weights);
        }
    }

    private static Floats4 Divided(Floats4 sums, float weights)
    {
        sums.X /= weights;
        sums.Y /= weights;
        sums.Z /= weights;
        sums.W /= weights;
        return sums;
    }

    private static void AddTo(ArrayView<Floats4> totals, int first, QueryMerge merge, UnitSums split)
    {
        AddTo(totals, first, merge, split.Columns0);
        AddTo(totals, first + 2, merge, split.Columns2);
        AddTo(totals, first + 4, merge, split.Columns4);
        AddTo(totals, first + 6, merge, split.Columns6);
    }

    private static void AddTo(ArrayView<Floats4> totals, int first, QueryMerge merge, Sums16x16 split)
    {
        int at = (first * KernelLoader.GroupSize) + Group.IdxX;
        totals[at] = merge.Sum(totals[at], split.Left);
        totals[at + KernelLoader.GroupSize] = merge.Sum(totals[at + KernelLoader.GroupSize], split.Right);
    }

    private static UnitSums Take(ArrayView<Floats4> totals, int first)
    {
        int at = (first * KernelLoader.GroupSize) + Group.IdxX;
        UnitSums sums;
        sums.Columns0.Left = totals[at];
        sums.Columns0.Right = totals[at + KernelLoader.GroupSize];
        sums.Columns2.Left = totals[at + (2 * KernelLoader.GroupSize)];
        sums.Columns2.Right = totals[at + (3 * KernelLoader.GroupSize)];
        sums.Columns4.Left = totals[at + (4 * KernelLoader.GroupSize)];
        sums.Columns4.Right = totals[at + (5 * KernelLoader.GroupSize)];
        sums.Columns6.Left = totals[at + (6 * KernelLoader.GroupSize)];
        sums.Columns6.Right = totals[at + (7 * KernelLoader.GroupSize)];
        return sums;
    }
}
