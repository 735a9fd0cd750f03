using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Whose bias is added where, of columns that a shard has of a sum.</summary>
/// <param name="target">The index of the module.</param>
/// <param name="firstColumn">The first of the columns.</param>
/// <param name="endColumn">Where they end.</param>
/// <param name="pitch">Elements from a row to the next.</param>
/// <param name="first">Where the first of the columns is in a row.</param>
internal readonly struct BiasShape(int target, int firstColumn, int endColumn, int pitch, int first)
{
    public readonly int Target = target;
    public readonly int FirstColumn = firstColumn;
    public readonly int EndColumn = endColumn;
    public readonly int Pitch = pitch;
    public readonly int First = first;
}

/// <summary>
/// <see cref="ChangeKernels"/> where the base's weight is cut over shards: sums over inputs of which a shard has some, whole leaves of
/// them, and look-ups of entries of which it has some.
/// </summary>
internal static class SharedChangeKernels
{
    private const int LanesLog2 = KernelLoader.GroupSizeLog2 - LoraKernels.GroupRanksLog2;
    private const int Lanes = 1 << LanesLog2;

    /// <summary>
    /// <see cref="ChangeKernels.Product"/>, leaf by leaf: lanes are counted from the start of each, wherever tiles begin and end, and the
    /// leaves are added as a tree (<see cref="SumLeaves"/>).
    /// </summary>
    [Kernel]
    public static void Product(
        ArrayView<float> x,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> outputOfRow,
        ArrayView<float> y,
        LoraShape shape)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(4 * KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int part = Grid.IdxZ;
        int chunk = Grid.IdxY * LoraKernels.ChunkInts;
        int changes = chunks[chunk + 5];
        if (changes < 0)
        {
            return;
        }

        int record = changes + (shape.Target(part) * ChangeKernels.RecordInts);
        int rowCount = directory[record + 3];
        int first = Grid.IdxX * LoraKernels.GroupRanks;
        if (first >= rowCount)
        {
            return;
        }

        int firstTile = ChangeKernels.TileOf(directory, directory[record + 1], directory[record + 2], first);
        int endTile = directory[record + 1] + (directory[record + 2] * LoraKernels.TileInts);
        int weightRow = first + (thread >> LanesLog2);
        for (int entry = 0; entry < chunks[chunk + 2]; entry += 4)
        {
            int firstEntry = chunks[chunk + 1];
            int last = chunks[chunk + 2] - 1;
            long x0 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + entry, shape);
            long x1 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 1 < last ? entry + 1 : last), shape);
            long x2 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 2 < last ? entry + 2 : last), shape);
            long x3 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 3 < last ? entry + 3 : last), shape);
            float total = 0;
            var tree = default(NumberTree);
            int leafBegin = 0;
            for (int leaf = 0; leaf < shape.Leaves.Count; leaf++)
            {
                int leafEnd = shape.Leaves.End(leaf);
                var sum = default(Four);
                for (int tile = firstTile; tile < endTile && directory[tile + 1] <= weightRow; tile += LoraKernels.TileInts)
                {
                    int row = weightRow - directory[tile + 1];
                    if (row < directory[tile + 2])
                    {
                        int span = directory[tile + 4];
                        int column = directory[tile + 3];
                        int from = column < leafBegin ? leafBegin : column;
                        int to = column + span > leafEnd ? leafEnd : column + span;
                        int at = from + (((thread & (Lanes - 1)) - (from - leafBegin)) & (Lanes - 1));
                        int type = directory[record];
                        long inTile = ((long)row * span) - column;
                        if (type == LoraKernels.F32)
                        {
                            sum = Dot<float, StoredF32>(pool32, ((long)directory[tile] << 4) + inTile, at, to, x, x0, x1, x2, x3, sum);
                        }
                        else if (type == LoraKernels.F16)
                        {
                            sum = Dot<ushort, StoredF16>(pool16, ((long)directory[tile] << 5) + inTile, at, to, x, x0, x1, x2, x3, sum);
                        }
                        else
                        {
                            sum = Dot<ushort, StoredBf16>(pool16, ((long)directory[tile] << 5) + inTile, at, to, x, x0, x1, x2, x3, sum);
                        }
                    }
                }

                sums[thread] = sum.A;
                sums[thread + KernelLoader.GroupSize] = sum.B;
                sums[thread + (2 * KernelLoader.GroupSize)] = sum.C;
                sums[thread + (3 * KernelLoader.GroupSize)] = sum.D;
                Group.Barrier();
                if (thread < 4 * LoraKernels.GroupRanks)
                {
                    float ofLeaf = 0;
                    int firstSum = ((thread >> LoraKernels.GroupRanksLog2) * KernelLoader.GroupSize)
                        + ((thread & (LoraKernels.GroupRanks - 1)) * Lanes);
                    for (int i = 0; i < Lanes; i++)
                    {
                        ofLeaf += sums[firstSum + i];
                    }

                    total = tree.Add(leaf, ofLeaf);
                }

                Group.Barrier();
                leafBegin = leafEnd;
            }

            // These are made here, and numbers of the directory read again where they are used: there are no registers for more that
            // lives through the loops.
            int which = thread >> LoraKernels.GroupRanksLog2;
            int rowOfSum = first + (thread & (LoraKernels.GroupRanks - 1));
            if (thread < 4 * LoraKernels.GroupRanks && entry + which < chunks[chunk + 2] && rowOfSum < rowCount)
            {
                int ids = directory[record + 4];
                int row = LoraKernels.RowOf(entryRows, outputOfRow, chunks[chunk + 1] + entry + which, shape);
                int id = rowOfSum;
                if (ids >= 0)
                {
                    id = directory[ids + rowOfSum];
                }

                if (row >= 0)
                {
                    y[((long)row * shape.Width) + shape.Column(part) + id] = total;
                }
            }
        }
    }

    /// <summary>
    /// Adds the base's bias to columns of sums, but not where the row's generation has that row of the weight: y [T, …]. Groups: rows (x)
    /// times 128 columns (y).
    /// </summary>
    [Kernel]
    public static void AddBias(
        ArrayView<float> bias, ArrayView<int> directory, ArrayView<int> changeOfRow, ArrayView<float> y, BiasShape shape)
    {
        int inRow = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        int column = shape.FirstColumn + inRow;
        if (column >= shape.EndColumn)
        {
            return;
        }

        int changes = changeOfRow[Grid.IdxX];
        int rowCount = 0;
        int ids = -1;
        if (changes >= 0)
        {
            int record = changes + (shape.Target * ChangeKernels.RecordInts);
            rowCount = directory[record + 3];
            ids = directory[record + 4];
        }

        bool isOwn = column < rowCount;
        if (rowCount > 0 && ids >= 0)
        {
            isOwn = ChangeKernels.IndexOf(directory, ids, rowCount, column) >= 0;
        }

        if (!isOwn)
        {
            y[((long)Grid.IdxX * shape.Pitch) + shape.First + inRow] += bias[column];
        }
    }

    /// <summary>
    /// <see cref="ChangeKernels.LookUp"/> for rows whose entries this shard has, in their order: places [T, 2], the shard that has the row
    /// and its place among those of all shards; y [own rows, width]. Tokens are counted from <paramref name="firstEntry"/> on.
    /// </summary>
    [Kernel]
    public static void LookUp(
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> tokens,
        ArrayView<int> places,
        ArrayView<float> y,
        int target,
        int firstEntry,
        EntriesShape shape)
    {
        int chunk = Grid.IdxY * LoraKernels.ChunkInts;
        int changes = chunks[chunk + 5];
        int column = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (changes < 0 || column >= shape.Width)
        {
            return;
        }

        int record = changes + (target * ChangeKernels.RecordInts);
        int rowCount = directory[record + 3];
        int ids = directory[record + 4];
        int first = chunks[chunk + 1];
        int end = first + chunks[chunk + 2];
        for (int entry = first; entry < end && rowCount > 0; entry++)
        {
            int row = entryRows[entry];
            int own = -1;
            if (places[2 * row] == shape.Shard)
            {
                own = tokens[row] - firstEntry;
                if (ids >= 0)
                {
                    own = ChangeKernels.IndexOf(directory, ids, rowCount, own);
                }
            }

            if (own >= 0)
            {
                int tile = ChangeKernels.TileOf(directory, directory[record + 1], directory[record + 2], own);
                while (column >= directory[tile + 3] + directory[tile + 4])
                {
                    tile += LoraKernels.TileInts;
                }

                long element = ((long)(own - directory[tile + 1]) * directory[tile + 4]) + column - directory[tile + 3];
                y[((long)(places[(2 * row) + 1] - shape.FirstOwn) * shape.Width) + column] =
                    LoraKernels.Element(pool32, pool16, directory[record], directory[tile], element);
            }
        }
    }

    private static Four Dot<TStored, TElement>(
        ArrayView<TStored> pool, long a, int first, int end, ArrayView<float> x, long x0, long x1, long x2, long x3, Four sum)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        for (int c = first; c < end; c += Lanes)
        {
            float weight = TElement.Load(pool[a + c]);
            sum.A += weight * x[x0 + c];
            sum.B += weight * x[x1 + c];
            sum.C += weight * x[x2 + c];
            sum.D += weight * x[x3 + c];
        }

        return sum;
    }
}
