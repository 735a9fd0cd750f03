using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A lane's weights of a run of 32 columns, and where its columns of x are.</summary>
internal struct RankRun
{
    public TileTerms Weights;
    public Floats4 First;
    public Floats4 Second;
    public bool IsInside;
}

/// <summary>
/// A block of <c>v = x Aᵀ</c> on tensor cores: eight rank rows of one part and eight entries of a chunk. Columns are counted from the start
/// of their leaf, in runs of 32; warp w has the runs u with u mod 4 = w, ascending. A lane has eight columns of a rank row and the same
/// eight of an entry in loads of 16 bytes, up to eight runs of them under way together. The sums of the terms of x are added from the last
/// to the first, then the warps' in order, then the leaves' as a tree; nothing of that depends on where tiles begin or end, or on other
/// entries.
/// </summary>
/// <remarks>Inputs, and the borders of leaves and tiles, are multiples of 32.</remarks>
internal static class TensorShrink
{
    /// <summary>Floats of shared memory of a group: sums of 64 pairs for each warp and leaf.</summary>
    public const int Shared = 8 * Warps * Pairs;

    private const int Pairs = LoraKernels.BlockEntries * LoraKernels.GroupRanks;
    private const int Warps = 4;

    // Columns of a run for each warp, and of eight of those.
    private const int StepColumns = Warps * TensorProductKernels.Run;
    private const int BatchColumns = 8 * StepColumns;

    /// <inheritdoc cref="LoraKernels.ShrinkOnTensorCores"/>
    public static void Run(
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
    {
        int thread = Group.IdxX;
        int lane = thread & 31;
        int part = Grid.IdxY;
        int block = Grid.IdxX * LoraKernels.BlockInts;
        int chunk = blocks[block] * LoraKernels.ChunkInts;
        int firstRank = blocks[block + 1];
        int firstEntry = blocks[block + 2];
        int record = chunks[chunk] + (shape.Target(part) * LoraKernels.RecordInts);
        int rank = directory[record];
        if (firstRank >= rank)
        {
            return;
        }

        int type = directory[record + 2];
        int firstTile = directory[record + 3];
        int endTile = firstTile + (directory[record + 4] * LoraKernels.TileInts);
        int count = chunks[chunk + 2];
        int entry = firstEntry + (lane >> 2);
        entry = entry < count ? entry : count - 1;
        int inRun = (lane & 3) << 3;
        long inputs = LoraKernels.InputOf(entryRows, outputOfRow, chunks[chunk + 1] + entry, shape) + inRun;
        int leaves = shape.Leaves.Count;
        int place = ((thread >> 5) * Pairs) + ((lane >> 2) << 3) + ((lane & 3) << 1);
        int leafBegin = 0;
        for (int leaf = 0; leaf < leaves; leaf++)
        {
            int leafEnd = shape.Leaves.End(leaf);
            var sums = default(TermSums);
            for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
            {
                int row = firstRank - directory[tile + 1];
                int rows = directory[tile + 2];
                int column = directory[tile + 3];
                int span = directory[tile + 4];
                int from = column < leafBegin ? leafBegin : column;
                int to = column + span > leafEnd ? leafEnd : column + span;
                if (row + LoraKernels.GroupRanks > 0 && row < rows && from < to)
                {
                    row += lane >> 2;
                    bool has = row >= 0 && row < rows;
                    long begin = has ? ((long)row * span) + inRun - column : inRun - column;
                    var run = new TileColumns(leafBegin, from, to, has);
                    if (type == LoraKernels.F32)
                    {
                        sums = Add<float, F32Tile>(sums, pool32, ((long)directory[tile] << 4) + begin, x, inputs, run);
                    }
                    else if (type == LoraKernels.F16)
                    {
                        sums = Add<ushort, F16Tile>(sums, pool16, ((long)directory[tile] << 5) + begin, x, inputs, run);
                    }
                    else
                    {
                        sums = Add<ushort, Bf16Tile>(sums, pool16, ((long)directory[tile] << 5) + begin, x, inputs, run);
                    }
                }
            }

            shared[place] = sums.Third.X + sums.Second.X + sums.First.X;
            shared[place + 1] = sums.Third.Y + sums.Second.Y + sums.First.Y;
            place += Warps * Pairs;
            leafBegin = leafEnd;
        }

        Group.Barrier();
        int ofEntry = firstEntry + (thread >> 3);
        int ofRank = firstRank + (thread & 7);
        if (thread < Pairs && ofEntry < count && ofRank < rank)
        {
            float total = 0;
            var tree = default(NumberTree);
            for (int leaf = 0; leaf < leaves; leaf++)
            {
                int at = (leaf * Warps * Pairs) + thread;
                float own = shared[at];
                own += shared[at + Pairs];
                own += shared[at + (2 * Pairs)];
                own += shared[at + (3 * Pairs)];
                total = tree.Add(leaf, own);
            }

            int columns = chunks[chunk + 4];
            v[chunks[chunk + 3] + ((((long)part * count) + ofEntry) * columns) + ofRank] = total;
        }
    }

    /// <summary>Adds what a warp has of a tile's columns in a leaf.</summary>
    private static TermSums Add<TStored, TTile>(
        TermSums sums, ArrayView<TStored> pool, long weights, ArrayView<float> x, long inputs, TileColumns tile)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        int warp = (Group.IdxX >> 5) << TensorProductKernels.RunLog2;
        for (int step = tile.FirstStep; step < tile.To; step += BatchColumns)
        {
            // Runs outside of the tile add zeros: all warps take the same steps.
            int column = step + warp;
            if (TTile.Terms == 1)
            {
                sums = AddEight<TStored, TTile>(sums, pool, weights, x, inputs, tile, column);
            }
            else
            {
                // More registers each, so fewer together.
                sums = AddFour<TStored, TTile>(sums, pool, weights, x, inputs, tile, column);
                sums = AddFour<TStored, TTile>(sums, pool, weights, x, inputs, tile, column + (4 * StepColumns));
            }
        }

        return sums;
    }

    /// <summary>Eight runs, whose loads are all under way before the first is used.</summary>
    private static TermSums AddEight<TStored, TTile>(
        TermSums sums, ArrayView<TStored> pool, long weights, ArrayView<float> x, long inputs, TileColumns tile, int column)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        RankRun run0 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column);
        RankRun run1 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + StepColumns);
        RankRun run2 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (2 * StepColumns));
        RankRun run3 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (3 * StepColumns));
        RankRun run4 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (4 * StepColumns));
        RankRun run5 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (5 * StepColumns));
        RankRun run6 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (6 * StepColumns));
        RankRun run7 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (7 * StepColumns));
        TermSums total = Multiply<TStored, TTile>(sums, run0);
        total = Multiply<TStored, TTile>(total, run1);
        total = Multiply<TStored, TTile>(total, run2);
        total = Multiply<TStored, TTile>(total, run3);
        total = Multiply<TStored, TTile>(total, run4);
        total = Multiply<TStored, TTile>(total, run5);
        total = Multiply<TStored, TTile>(total, run6);
        return Multiply<TStored, TTile>(total, run7);
    }

    /// <summary>Four runs.</summary>
    private static TermSums AddFour<TStored, TTile>(
        TermSums sums, ArrayView<TStored> pool, long weights, ArrayView<float> x, long inputs, TileColumns tile, int column)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        RankRun run0 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column);
        RankRun run1 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + StepColumns);
        RankRun run2 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (2 * StepColumns));
        RankRun run3 = Load<TStored, TTile>(pool, weights, x, inputs, tile, column + (3 * StepColumns));
        TermSums total = Multiply<TStored, TTile>(sums, run0);
        total = Multiply<TStored, TTile>(total, run1);
        total = Multiply<TStored, TTile>(total, run2);
        return Multiply<TStored, TTile>(total, run3);
    }

    private static RankRun Load<TStored, TTile>(
        ArrayView<TStored> pool, long weights, ArrayView<float> x, long inputs, TileColumns tile, int column)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        bool isInside = column >= tile.From && column < tile.To;
        int here = isInside ? column : tile.From;
        ArrayView<Floats4> fours = x.Cast<Floats4>();
        RankRun run;
        run.Weights = TTile.LoadEight(pool, weights + here);
        run.First = fours[(inputs + here) >> 2];
        run.Second = fours[((inputs + here) >> 2) + 1];
        run.IsInside = isInside && tile.HasRow;
        return run;
    }

    /// <summary>Entries are the left side, of which there are eight of 16; rank rows the right.</summary>
    private static TermSums Multiply<TStored, TTile>(TermSums sums, RankRun run)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        var terms = new ActivationTerms(run.First, run.Second, present: true);
        Words4 first = terms.Take();
        Words4 second = terms.Take();
        Words4 third = terms.Take();
        for (int term = 0; term < TTile.Terms; term++)
        {
            sums = WarpProduct.MultiplyRows(sums, first, second, third, run.Weights.Take(TTile.Terms, run.IsInside), 0u);
        }

        return sums;
    }
}

/// <summary>What a lane takes of a tile: its columns in a leaf, of a rank row that it may lack.</summary>
internal readonly struct TileColumns(int leafBegin, int from, int to, bool hasRow)
{
    /// <summary>The first column.</summary>
    public readonly int From = from;

    /// <summary>The end of the columns.</summary>
    public readonly int To = to;

    /// <summary>Whether the tile has the lane's rank row.</summary>
    public readonly bool HasRow = hasRow;

    /// <summary>Where the first step of four runs begins, counted from the leaf.</summary>
    public int FirstStep => From - ((From - leafBegin) & ((4 << TensorProductKernels.RunLog2) - 1));
}
