using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// What generations do to modules besides adding B A, see <see cref="Step.ModuleChange"/>: <c>f ∘ (W' x + scale · B A x) + weight · o</c>.
/// <see cref="Product"/> and <see cref="LookUp"/> put what rows of W' give in the place of what the base computed, <see cref="Sum"/>
/// multiplies and adds behind them and behind the deltas.
/// </summary>
/// <remarks>
/// A record of the directory, per target: of the rows of W' type, first tile, tiles, rows, and where their numbers begin or −1 if they are
/// all; of f and of o first tile and tiles, none where they are missing. Tiles are those of <see cref="LoraKernels"/>.
/// </remarks>
internal static class ChangeKernels
{
    /// <summary>Ints of a target's record.</summary>
    public const int RecordInts = 9;

    private const int LanesLog2 = KernelLoader.GroupSizeLog2 - LoraKernels.GroupRanksLog2;
    private const int Lanes = 1 << LanesLog2;

    /// <summary>
    /// <c>y[id] = W'[id] · x</c>: x [rows, Inputs], W' [n, Inputs]. Groups: 8 rows of W' (x) times chunks (y) times parts (z). 16 threads
    /// share a row and take every 16th column; their sums are added in order. Four entries at a time pass each element of W'.
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

        int record = changes + (shape.Target(part) * RecordInts);
        int rowCount = directory[record + 3];
        int first = Grid.IdxX * LoraKernels.GroupRanks;
        if (first >= rowCount)
        {
            return;
        }

        int type = directory[record];
        int ids = directory[record + 4];
        int firstTile = TileOf(directory, directory[record + 1], directory[record + 2], first);
        int endTile = directory[record + 1] + (directory[record + 2] * LoraKernels.TileInts);
        int firstEntry = chunks[chunk + 1];
        int count = chunks[chunk + 2];
        int weightRow = first + (thread >> LanesLog2);
        for (int entry = 0; entry < count; entry += 4)
        {
            int last = count - 1;
            long x0 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + entry, shape);
            long x1 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 1 < last ? entry + 1 : last), shape);
            long x2 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 2 < last ? entry + 2 : last), shape);
            long x3 = LoraKernels.InputOf(entryRows, outputOfRow, firstEntry + (entry + 3 < last ? entry + 3 : last), shape);
            var sum = default(Four);
            for (int tile = firstTile; tile < endTile && directory[tile + 1] <= weightRow; tile += LoraKernels.TileInts)
            {
                int row = weightRow - directory[tile + 1];
                if (row < directory[tile + 2])
                {
                    int span = directory[tile + 4];
                    int column = directory[tile + 3];
                    if (type == LoraKernels.F32)
                    {
                        long a = ((long)directory[tile] << 4) + ((long)row * span);
                        sum = LoraKernels.Dot<float, StoredF32>(
                            pool32, a, span, x, x0 + column, x1 + column, x2 + column, x3 + column, sum);
                    }
                    else if (type == LoraKernels.F16)
                    {
                        long a = ((long)directory[tile] << 5) + ((long)row * span);
                        sum = LoraKernels.Dot<ushort, StoredF16>(
                            pool16, a, span, x, x0 + column, x1 + column, x2 + column, x3 + column, sum);
                    }
                    else
                    {
                        long a = ((long)directory[tile] << 5) + ((long)row * span);
                        sum = LoraKernels.Dot<ushort, StoredBf16>(
                            pool16, a, span, x, x0 + column, x1 + column, x2 + column, x3 + column, sum);
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
                int which = thread >> LoraKernels.GroupRanksLog2;
                int rowOfSum = first + (thread & (LoraKernels.GroupRanks - 1));
                int from = (which * KernelLoader.GroupSize) + ((thread & (LoraKernels.GroupRanks - 1)) * Lanes);
                float total = 0;
                for (int i = 0; i < Lanes; i++)
                {
                    total += sums[from + i];
                }

                if (entry + which < count && rowOfSum < rowCount)
                {
                    int row = LoraKernels.RowOf(entryRows, outputOfRow, firstEntry + entry + which, shape);
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

            Group.Barrier();
        }
    }

    /// <summary>
    /// <c>y[t] = E'[token(t)]</c> where the generation has that entry: E' [n, width]. Groups: 128 columns (x) times chunks (y).
    /// </summary>
    [Kernel]
    public static void LookUp(
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> tokens,
        ArrayView<float> y,
        LoraShape shape)
    {
        int chunk = Grid.IdxY * LoraKernels.ChunkInts;
        int changes = chunks[chunk + 5];
        int column = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (changes < 0 || column >= shape.Width)
        {
            return;
        }

        int record = changes + (shape.Target(0) * RecordInts);
        int rowCount = directory[record + 3];
        int ids = directory[record + 4];
        int firstEntry = chunks[chunk + 1];
        int endEntry = firstEntry + chunks[chunk + 2];
        for (int entry = firstEntry; entry < endEntry && rowCount > 0; entry++)
        {
            int token = tokens[entryRows[entry]];
            int row = token;
            if (ids >= 0)
            {
                row = IndexOf(directory, ids, rowCount, token);
            }

            if (row >= 0)
            {
                int tile = TileOf(directory, directory[record + 1], directory[record + 2], row);
                while (column >= directory[tile + 3] + directory[tile + 4])
                {
                    tile += LoraKernels.TileInts;
                }

                long element = ((long)(row - directory[tile + 1]) * directory[tile + 4]) + column - directory[tile + 3];
                y[((long)entryRows[entry] * shape.Width) + column] =
                    LoraKernels.Element(pool32, pool16, directory[record], directory[tile], element);
            }
        }
    }

    /// <summary>
    /// <c>y = f ∘ y + weight · o</c> for the chunks of one place, which have no row twice. Groups: 128 columns (x) times chunks (y) times
    /// parts (z).
    /// </summary>
    [Kernel]
    public static void Sum(
        ArrayView<float> pool32,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<float> entryWeights,
        ArrayView<int> outputOfRow,
        ArrayView<float> y,
        LoraShape shape)
    {
        int part = Grid.IdxZ;
        int chunk = Grid.IdxY * LoraKernels.ChunkInts;
        int changes = chunks[chunk + 5];
        if (changes < 0)
        {
            return;
        }

        int record = changes + (shape.Target(part) * RecordInts);
        int column = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        long factor = PlaceOf(directory, directory[record + 5], directory[record + 6], column);
        long offset = PlaceOf(directory, directory[record + 7], directory[record + 8], column);
        if (factor < 0 && offset < 0)
        {
            return;
        }

        float f = 1f;
        if (factor >= 0)
        {
            f = pool32[factor];
        }

        float o = 0f;
        if (offset >= 0)
        {
            o = pool32[offset];
        }

        int firstEntry = chunks[chunk + 1];
        int endEntry = firstEntry + chunks[chunk + 2];
        for (int entry = firstEntry; entry < endEntry; entry++)
        {
            int row = LoraKernels.RowOf(entryRows, outputOfRow, entry, shape);
            if (row >= 0)
            {
                long at = ((long)row * shape.Width) + shape.Column(part) + column;
                y[at] = (y[at] * f) + (entryWeights[entry] * o);
            }
        }
    }

    /// <summary>Where an element of a vector in fp32 lies in the pool; negative where there is none.</summary>
    public static long PlaceOf(ArrayView<int> directory, int firstTile, int tiles, int column)
    {
        int endTile = firstTile + (tiles * LoraKernels.TileInts);
        for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
        {
            int inTile = column - directory[tile + 3];
            if (inTile >= 0 && inTile < directory[tile + 4])
            {
                return ((long)directory[tile] << 4) + inTile;
            }
        }

        return -1;
    }

    /// <summary>The first tile that holds a row: tiles are ordered by their first row.</summary>
    public static int TileOf(ArrayView<int> directory, int firstTile, int tiles, int row)
    {
        int first = 0;
        int last = tiles - 1;
        while (first < last)
        {
            int middle = (first + last) >> 1;
            int tile = firstTile + (middle * LoraKernels.TileInts);
            if (row >= directory[tile + 1] + directory[tile + 2])
            {
                first = middle + 1;
            }
            else
            {
                last = middle;
            }
        }

        return firstTile + (first * LoraKernels.TileInts);
    }

    /// <summary>The index of a number in an ascending list; −1 where it is not there.</summary>
    public static int IndexOf(ArrayView<int> directory, int list, int count, int number)
    {
        int first = 0;
        int last = count - 1;
        while (first < last)
        {
            int middle = (first + last) >> 1;
            if (directory[list + middle] < number)
            {
                first = middle + 1;
            }
            else
            {
                last = middle;
            }
        }

        int found = -1;
        if (directory[list + first] == number)
        {
            found = first;
        }

        return found;
    }
}
