using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>The modules of one launch: the parts of a group of products that share their input.</summary>
internal readonly struct LoraShape(
    int inputs, int width, int mapped, int target0, int target1, int target2, int column0, int column1, int column2,
    SumLeaves leaves = default)
{
    /// <summary>Columns of x.</summary>
    public readonly int Inputs = inputs;

    /// <summary>Columns of y.</summary>
    public readonly int Width = width;

    /// <summary>1 if rows of the step are looked up in the map of output rows, 0 if x and y have the step's own rows.</summary>
    public readonly int Mapped = mapped;

    /// <summary>Where the leaves of the sums over x end; nobody looks at them where there is one.</summary>
    public readonly SumLeaves Leaves = leaves;

    private readonly int _target0 = target0;
    private readonly int _target1 = target1;
    private readonly int _target2 = target2;
    private readonly int _column0 = column0;
    private readonly int _column1 = column1;
    private readonly int _column2 = column2;

    /// <summary>Target index of a part.</summary>
    public int Target(int part) => part == 0 ? _target0 : part == 1 ? _target1 : _target2;

    /// <summary>First column of a part in y.</summary>
    public int Column(int part) => part == 0 ? _column0 : part == 1 ? _column1 : _column2;
}

/// <summary>
/// Gather-BMM over the work list: <c>v = x Aᵀ</c> down to rank r, <c>y += (weight · scale) · (v Bᵀ)</c> up again, for chunks of entries
/// (row, weight) that share a generation. Weights lie in tiles of up to 16 rank rows inside pages of the pool; the directory (see
/// <see cref="AdapterDirectories"/>) says where. Ranks are never padded: a chunk has as many groups as its own generation's rank takes, and
/// v as many columns.
/// </summary>
/// <remarks>
/// A record of the directory, per target: rank, bits of scale, then for A and for B type, first tile, tiles. A tile: place in the pool in
/// units of 64 bytes, first rank row, rank rows, first column, columns. A chunk: record of target 0, first entry, entries, first element of
/// v, rank columns of v, record of target 0 of <see cref="ChangeKernels"/> or −1. v of a chunk: <c>[parts, entries, rank columns]</c>.
/// </remarks>
internal static class LoraKernels
{
    /// <summary>Ints of a target's record.</summary>
    public const int RecordInts = 8;

    /// <summary>Ints of a tile.</summary>
    public const int TileInts = 5;

    /// <summary>Ints of a chunk.</summary>
    public const int ChunkInts = 6;

    /// <summary>Ints of a block of <see cref="Shrink"/>: chunk, first rank row, first entry of the chunk.</summary>
    public const int BlockInts = 3;

    /// <summary>The most entries of a block of <see cref="Shrink"/>.</summary>
    public const int BlockEntries = 8;

    /// <summary>Ints of a block of <see cref="Expand"/>: chunk, first entry of the chunk.</summary>
    public const int ExpandBlockInts = 2;

    /// <summary>The most entries of a block of <see cref="Expand"/>.</summary>
    public const int ExpandEntries = 16;

    /// <summary>Rank rows of a group of <see cref="Shrink"/>.</summary>
    public const int GroupRanks = 1 << GroupRanksLog2;

    /// <summary>The most parts of a launch.</summary>
    public const int MaxParts = 3;

    /// <summary>Types of tiles in the directory.</summary>
    public const int F32 = 0;

    /// <inheritdoc cref="F32"/>
    public const int F16 = 1;

    /// <inheritdoc cref="F32"/>
    public const int Bf16 = 2;

    /// <summary>Its logarithm.</summary>
    public const int GroupRanksLog2 = 3;

    private const int LanesLog2 = KernelLoader.GroupSizeLog2 - GroupRanksLog2;
    private const int Lanes = 1 << LanesLog2;

    /// <summary>
    /// <c>v = x Aᵀ</c>. Groups: blocks of 8 rank rows and 8 entries of a chunk (x) times parts (y), see <see cref="ShrinkBlocks"/>. Rank
    /// rows that another shard has come out as zero.
    /// </summary>
    [Kernel]
    public static void Shrink(
        ArrayView<float> x,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> outputOfRow,
        ArrayView<float> v,
        LoraShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(ShrinkBlocks.Shared);
        ShrinkBlocks.Run<OneLeaf>(x, pool32, pool16, directory, blocks, chunks, entryRows, outputOfRow, v, shape, shared);
    }

    /// <summary>The same where shards may share the inputs: leaf by leaf, and the leaves as a tree.</summary>
    [Kernel]
    public static void ShrinkOfLeaves(
        ArrayView<float> x,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> outputOfRow,
        ArrayView<float> v,
        LoraShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(ShrinkBlocks.Shared);
        ShrinkBlocks.Run<LeafTree>(x, pool32, pool16, directory, blocks, chunks, entryRows, outputOfRow, v, shape, shared);
    }

    /// <summary>The same on tensor cores, where inputs and leaves are whole runs of 32 columns: see <see cref="TensorShrink"/>.</summary>
    [Kernel(resident: 3)]
    public static void ShrinkOnTensorCores(
        ArrayView<float> x,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> outputOfRow,
        ArrayView<float> v,
        LoraShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(TensorShrink.Shared);
        TensorShrink.Run(x, pool32, pool16, directory, blocks, chunks, entryRows, outputOfRow, v, shape, shared);
    }

    /// <summary>
    /// For an embedding, A's column of the row's token: <c>v[r] = A[r, token]</c>. Groups: chunks (x). A [r, V], or the columns from
    /// <paramref name="firstEntry"/> on; tokens without a column are left as they are.
    /// </summary>
    [Kernel]
    public static void ShrinkEmbedding(
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<int> tokens,
        ArrayView<float> v,
        int target,
        int firstEntry)
    {
        int chunk = Grid.IdxX * ChunkInts;
        int record = chunks[chunk] + (target * RecordInts);
        int rank = directory[record];
        int type = directory[record + 2];
        int firstTile = directory[record + 3];
        int endTile = firstTile + (directory[record + 4] * TileInts);
        int first = chunks[chunk + 1];
        int columns = chunks[chunk + 4];
        long begin = chunks[chunk + 3];
        int elements = chunks[chunk + 2] * rank;
        for (int i = Group.IdxX; i < elements; i += KernelLoader.GroupSize)
        {
            int entry = i / Math.Max(1, rank);
            int rankRow = i - (entry * rank);
            int token = tokens[entryRows[first + entry]] - firstEntry;
            for (int tile = firstTile; tile < endTile; tile += TileInts)
            {
                int row = rankRow - directory[tile + 1];
                int column = token - directory[tile + 3];
                int span = directory[tile + 4];
                if (row >= 0 && row < directory[tile + 2] && column >= 0 && column < span)
                {
                    long element = ((long)row * span) + column;
                    v[begin + ((long)entry * columns) + rankRow] = Element(pool32, pool16, type, directory[tile], element);
                }
            }
        }
    }

    /// <summary>
    /// <c>y += (weight · scale) · (v Bᵀ)</c> for the chunks of one place, which have no row twice. Groups: 1024 columns (x) times
    /// blocks of 16 entries of a chunk (y) times parts (z), see <see cref="ExpandColumns"/>.
    /// </summary>
    [Kernel]
    public static void Expand(
        ArrayView<float> v,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<float> entryWeights,
        ArrayView<int> outputOfRow,
        ArrayView<float> y,
        LoraShape shape)
    {
        ExpandColumns.Run(v, pool32, pool16, directory, blocks, chunks, entryRows, entryWeights, outputOfRow, y, shape);
    }

    /// <summary>The same on tensor cores. Groups: 256 columns (x), the others alike: see <see cref="TensorExpand"/>.</summary>
    [Kernel]
    public static void ExpandOnTensorCores(
        ArrayView<float> v,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<float> entryWeights,
        ArrayView<int> outputOfRow,
        ArrayView<float> y,
        LoraShape shape)
    {
        TensorExpand.Run(v, pool32, pool16, directory, blocks, chunks, entryRows, entryWeights, outputOfRow, y, shape);
    }

    /// <summary>Where the entry's row of x begins; row 0 for a row that x lacks, whose result nobody takes.</summary>
    public static long InputOf(ArrayView<int> entryRows, ArrayView<int> outputOfRow, int entry, LoraShape shape)
    {
        int row = RowOf(entryRows, outputOfRow, entry, shape);
        return (long)(row < 0 ? 0 : row) * shape.Inputs;
    }

    /// <summary>The row of x and y of an entry; negative where they lack it.</summary>
    public static int RowOf(ArrayView<int> entryRows, ArrayView<int> outputOfRow, int entry, LoraShape shape)
    {
        int row = entryRows[entry];
        return shape.Mapped == 1 ? outputOfRow[row] : row;
    }

    /// <summary>Adds to four sums what 16 threads together take of a run of weights.</summary>
    public static Four Dot<TStored, TElement>(
        ArrayView<TStored> pool, long a, int span, ArrayView<float> x, long x0, long x1, long x2, long x3, Four sum)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        for (int c = Group.IdxX & (Lanes - 1); c < span; c += Lanes)
        {
            float w = TElement.Load(pool[a + c]);
            sum.A += w * x[x0 + c];
            sum.B += w * x[x1 + c];
            sum.C += w * x[x2 + c];
            sum.D += w * x[x3 + c];
        }

        return sum;
    }

    /// <summary>An element of a tile.</summary>
    public static float Element(ArrayView<float> pool32, ArrayView<ushort> pool16, int type, int place, long element)
    {
        if (type == F32)
        {
            return pool32[((long)place << 4) + element];
        }

        ushort stored = pool16[((long)place << 5) + element];
        return type == F16 ? StoredF16.Load(stored) : StoredBf16.Load(stored);
    }
}

/// <summary>Sums of four entries, each in its own register.</summary>
internal struct Four
{
    public float A;
    public float B;
    public float C;
    public float D;
}
