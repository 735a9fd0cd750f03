using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Sums of four entries, of eight rank rows each.</summary>
internal struct RankSums
{
    public Four Rank0;
    public Four Rank1;
    public Four Rank2;
    public Four Rank3;
    public Four Rank4;
    public Four Rank5;
    public Four Rank6;
    public Four Rank7;
}

/// <summary>
/// A block of <c>v = x Aᵀ</c>: eight rank rows of one part and eight entries of a chunk. Columns are counted from the start of their leaf,
/// in units of eight: thread t has the units u with u mod 128 = t, ascending, of all eight rows and four entries at a time, and reads a
/// unit of a row in one load where the tile allows it. The threads' sums are added in order within each warp, then the four warps', then
/// the leaves' as a tree; nothing of that depends on where tiles begin or end.
/// </summary>
internal static class ShrinkBlocks
{
    /// <summary>Floats of shared memory of a group: 32 sums of each thread, and what four warps have made of them.</summary>
    public const int Shared = (Sums * Stride) + KernelLoader.GroupSize;

    private const int Sums = 4 * LoraKernels.GroupRanks;

    // A warp's 32 numbers and one more, so that 32 threads that each add up one row of 32 meet 32 banks.
    private const int WarpStride = 33;
    private const int Stride = 4 * WarpStride;

    /// <inheritdoc cref="LoraKernels.Shrink"/>
    public static void Run<TOrder>(
        ArrayView<float> x,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> outputOfRow,
        ArrayView<float> v,
        LoraShape shape,
        ArrayView<float> shared)
        where TOrder : struct, ISumOrder
    {
        int thread = Group.IdxX;
        int part = Grid.IdxY;
        int block = Grid.IdxX * LoraKernels.BlockInts;
        int chunk = blocks[block] * LoraKernels.ChunkInts;
        int firstRank = blocks[block + 1];
        int record = chunks[chunk] + (shape.Target(part) * LoraKernels.RecordInts);
        int rank = directory[record];
        if (firstRank >= rank)
        {
            return;
        }

        int type = directory[record + 2];
        int firstTile = directory[record + 3];
        int endTile = firstTile + (directory[record + 4] * LoraKernels.TileInts);
        int firstEntry = chunks[chunk + 1];
        int count = chunks[chunk + 2];
        int columns = chunks[chunk + 4];
        long begin = chunks[chunk + 3] + ((long)part * count * columns);
        int leaves = 1;
        if (TOrder.IsTree)
        {
            leaves = shape.Leaves.Count;
        }

        int entry = blocks[block + 2];
        int endEntry = entry + LoraKernels.BlockEntries < count ? entry + LoraKernels.BlockEntries : count;
        for (; entry < endEntry; entry += 4)
        {
            int last = count - 1;
            long x0 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + entry, shape);
            long x1 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 1 < last ? entry + 1 : last), shape);
            long x2 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 2 < last ? entry + 2 : last), shape);
            long x3 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 3 < last ? entry + 3 : last), shape);
            float total = 0;
            var tree = default(NumberTree);
            int leafBegin = 0;
            for (int leaf = 0; leaf < leaves; leaf++)
            {
                int leafEnd = shape.Inputs;
                if (TOrder.IsTree)
                {
                    leafEnd = shape.Leaves.End(leaf);
                }

                var sums = default(RankSums);
                for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
                {
                    int row = firstRank - directory[tile + 1];
                    int rows = directory[tile + 2];
                    if (row + LoraKernels.GroupRanks > 0 && row < rows)
                    {
                        int column = directory[tile + 3];
                        int span = directory[tile + 4];
                        int from = column < leafBegin ? leafBegin : column;
                        int to = column + span > leafEnd ? leafEnd : column + span;
                        var run = new ShrinkRun(row, rows, span, leafBegin, from, to, shape.Inputs);
                        if (type == LoraKernels.F32)
                        {
                            long a = ((long)directory[tile] << 4) - column;
                            sums = Add<float, StoredF32>(pool32, a, run, x, x0, x1, x2, x3, sums);
                        }
                        else if (type == LoraKernels.F16)
                        {
                            long a = ((long)directory[tile] << 5) - column;
                            sums = Add<ushort, StoredF16>(pool16, a, run, x, x0, x1, x2, x3, sums);
                        }
                        else
                        {
                            long a = ((long)directory[tile] << 5) - column;
                            sums = Add<ushort, StoredBf16>(pool16, a, run, x, x0, x1, x2, x3, sums);
                        }
                    }
                }

                float own = Total(shared, sums);
                if (TOrder.IsTree)
                {
                    total = tree.Add(leaf, own);
                }
                else
                {
                    total = own;
                }

                leafBegin = leafEnd;
            }

            int ofRank = thread >> 2;
            int ofEntry = thread & 3;
            if (ofRank < LoraKernels.GroupRanks && firstRank + ofRank < rank && entry + ofEntry < count)
            {
                v[begin + ((long)(entry + ofEntry) * columns) + firstRank + ofRank] = total;
            }
        }
    }

    /// <summary>What all threads have of one rank row (thread / 4) and entry (thread mod 4), for the first 32 threads.</summary>
    private static float Total(ArrayView<float> shared, RankSums sums)
    {
        int thread = Group.IdxX;
        int place = ((thread >> 5) * WarpStride) + (thread & 31);
        Put(shared, place, sums.Rank0);
        Put(shared, place + (4 * Stride), sums.Rank1);
        Put(shared, place + (8 * Stride), sums.Rank2);
        Put(shared, place + (12 * Stride), sums.Rank3);
        Put(shared, place + (16 * Stride), sums.Rank4);
        Put(shared, place + (20 * Stride), sums.Rank5);
        Put(shared, place + (24 * Stride), sums.Rank6);
        Put(shared, place + (28 * Stride), sums.Rank7);
        Group.Barrier();

        // Four threads for each of the 32 sums, one per warp.
        int from = ((thread >> 2) * Stride) + ((thread & 3) * WarpStride);
        float ofWarp = 0;
        for (int i = 0; i < 32; i++)
        {
            ofWarp += shared[from + i];
        }

        shared[(Sums * Stride) + thread] = ofWarp;
        Group.Barrier();
        float total = 0;
        if (thread < Sums)
        {
            int at = (Sums * Stride) + (thread << 2);
            total = shared[at];
            total += shared[at + 1];
            total += shared[at + 2];
            total += shared[at + 3];
        }

        return total;
    }

    private static void Put(ArrayView<float> shared, int place, Four sums)
    {
        shared[place] = sums.A;
        shared[place + Stride] = sums.B;
        shared[place + (2 * Stride)] = sums.C;
        shared[place + (3 * Stride)] = sums.D;
    }

    /// <summary>Adds what the thread has of a tile.</summary>
    private static RankSums Add<TStored, TElement>(
        ArrayView<TStored> pool, long a, ShrinkRun run, ArrayView<float> x, long x0, long x1, long x2, long x3, RankSums sums)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        long a0 = a + run.Row(0);
        long a1 = a + run.Row(1);
        long a2 = a + run.Row(2);
        long a3 = a + run.Row(3);
        long a4 = a + run.Row(4);
        long a5 = a + run.Row(5);
        long a6 = a + run.Row(6);
        long a7 = a + run.Row(7);

        // Rows follow one another, so if the span is whole units all begin alike.
        int unit = run.FirstUnit();
        if (((a0 + run.LeafBegin) & 7) == 0 && run.IsWide)
        {
            for (; run.Begin(unit) + 8 <= run.To; unit += KernelLoader.GroupSize)
            {
                int c = run.Begin(unit);

                // All loads of weights are under way before the first is used.
                Eight w0 = TElement.LoadEight(pool, a0 + c);
                Eight w1 = TElement.LoadEight(pool, a1 + c);
                Eight w2 = TElement.LoadEight(pool, a2 + c);
                Eight w3 = TElement.LoadEight(pool, a3 + c);
                Eight w4 = TElement.LoadEight(pool, a4 + c);
                Eight w5 = TElement.LoadEight(pool, a5 + c);
                Eight w6 = TElement.LoadEight(pool, a6 + c);
                Eight w7 = TElement.LoadEight(pool, a7 + c);
                Eight y0 = StoredF32.LoadEight(x, x0 + c);
                Eight y1 = StoredF32.LoadEight(x, x1 + c);
                Eight y2 = StoredF32.LoadEight(x, x2 + c);
                Eight y3 = StoredF32.LoadEight(x, x3 + c);
                if (run.Has(0))
                {
                    sums.Rank0 = Add(sums.Rank0, w0, y0, y1, y2, y3);
                }

                if (run.Has(1))
                {
                    sums.Rank1 = Add(sums.Rank1, w1, y0, y1, y2, y3);
                }

                if (run.Has(2))
                {
                    sums.Rank2 = Add(sums.Rank2, w2, y0, y1, y2, y3);
                }

                if (run.Has(3))
                {
                    sums.Rank3 = Add(sums.Rank3, w3, y0, y1, y2, y3);
                }

                if (run.Has(4))
                {
                    sums.Rank4 = Add(sums.Rank4, w4, y0, y1, y2, y3);
                }

                if (run.Has(5))
                {
                    sums.Rank5 = Add(sums.Rank5, w5, y0, y1, y2, y3);
                }

                if (run.Has(6))
                {
                    sums.Rank6 = Add(sums.Rank6, w6, y0, y1, y2, y3);
                }

                if (run.Has(7))
                {
                    sums.Rank7 = Add(sums.Rank7, w7, y0, y1, y2, y3);
                }
            }
        }

        for (; run.Begin(unit) < run.To; unit += KernelLoader.GroupSize)
        {
            int c = run.Begin(unit);
            int end = c + 8 < run.To ? c + 8 : run.To;
            for (int i = c < run.From ? run.From : c; i < end; i++)
            {
                Four inputs;
                inputs.A = x[x0 + i];
                inputs.B = x[x1 + i];
                inputs.C = x[x2 + i];
                inputs.D = x[x3 + i];
                if (run.Has(0))
                {
                    sums.Rank0 = Add(sums.Rank0, TElement.Load(pool[a0 + i]), inputs);
                }

                if (run.Has(1))
                {
                    sums.Rank1 = Add(sums.Rank1, TElement.Load(pool[a1 + i]), inputs);
                }

                if (run.Has(2))
                {
                    sums.Rank2 = Add(sums.Rank2, TElement.Load(pool[a2 + i]), inputs);
                }

                if (run.Has(3))
                {
                    sums.Rank3 = Add(sums.Rank3, TElement.Load(pool[a3 + i]), inputs);
                }

                if (run.Has(4))
                {
                    sums.Rank4 = Add(sums.Rank4, TElement.Load(pool[a4 + i]), inputs);
                }

                if (run.Has(5))
                {
                    sums.Rank5 = Add(sums.Rank5, TElement.Load(pool[a5 + i]), inputs);
                }

                if (run.Has(6))
                {
                    sums.Rank6 = Add(sums.Rank6, TElement.Load(pool[a6 + i]), inputs);
                }

                if (run.Has(7))
                {
                    sums.Rank7 = Add(sums.Rank7, TElement.Load(pool[a7 + i]), inputs);
                }
            }
        }

        return sums;
    }

    private static Four Add(Four sums, Eight w, Eight y0, Eight y1, Eight y2, Eight y3)
    {
        sums.A = w.AddTo(sums.A, y0);
        sums.B = w.AddTo(sums.B, y1);
        sums.C = w.AddTo(sums.C, y2);
        sums.D = w.AddTo(sums.D, y3);
        return sums;
    }

    private static Four Add(Four sums, float w, Four inputs)
    {
        sums.A += w * inputs.A;
        sums.B += w * inputs.B;
        sums.C += w * inputs.C;
        sums.D += w * inputs.D;
        return sums;
    }
}
