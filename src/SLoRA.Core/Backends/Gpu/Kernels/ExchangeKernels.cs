using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Rows of which every shard has some columns, and where they lie in the blocks that shards send each other.</summary>
internal readonly struct ColumnsShape(int width, int unit, int share, int shard, int shards, long stride)
{
    /// <summary>Columns of all shards together.</summary>
    public readonly int Width = width;

    /// <summary>Columns that are not cut.</summary>
    public readonly int Unit = unit;

    /// <summary>Columns of a row in a block: those of the shard that has most.</summary>
    public readonly int Share = share;

    /// <summary>Which shard this is.</summary>
    public readonly int Shard = shard;

    /// <summary>Shards.</summary>
    public readonly int Shards = shards;

    /// <summary>Elements from a block to the next.</summary>
    public readonly long Stride = stride;

    /// <summary>The first column of a shard, and for the number of shards the end of all.</summary>
    public int First(int shard) => Width / Unit * shard / Shards * Unit;
}

/// <summary>Shrunken rows of which every shard has some ranks or all, and where they lie in blocks.</summary>
internal readonly struct RanksShape(int parts, int whole, int perTarget, int shard, int shards, long offset, long stride)
{
    /// <summary>Modules of the launch.</summary>
    public readonly int Parts = parts;

    /// <summary>1 if blocks have all ranks, 0 if they have a shard's.</summary>
    public readonly int Whole = whole;

    /// <summary>1 if a block has the ranks of the shard that it is for, 0 if it has those of the shard that sends it.</summary>
    public readonly int PerTarget = perTarget;

    /// <summary>Which shard this is.</summary>
    public readonly int Shard = shard;

    /// <summary>Shards.</summary>
    public readonly int Shards = shards;

    /// <summary>Where the rows begin in a block.</summary>
    public readonly long Offset = offset;

    /// <summary>Elements from a block to the next.</summary>
    public readonly long Stride = stride;

    /// <summary>Ranks of a row in a block.</summary>
    public int Slots(int rank) => Whole == 1 ? rank : (rank + Shards - 1) / Shards;

    /// <summary>The first rank that a shard's block has.</summary>
    public int First(int rank, int shard) => Whole == 1 ? 0 : rank * shard / Shards;

    /// <summary>How many.</summary>
    public int Count(int rank, int shard) => Whole == 1 ? rank : (rank * (shard + 1) / Shards) - (rank * shard / Shards);
}

/// <summary>Where rows that were looked up lie in the blocks of the shards that have their entries.</summary>
internal readonly struct EntriesShape(int width, int shard, long before, int firstOwn)
{
    /// <summary>Columns.</summary>
    public readonly int Width = width;

    /// <summary>Which shard this is.</summary>
    public readonly int Shard = shard;

    /// <summary>Elements of a block before its rows.</summary>
    public readonly long Before = before;

    /// <summary>Rows of the shards before this one.</summary>
    public readonly int FirstOwn = firstOwn;
}

/// <summary>
/// What shards do with rows before and after they send blocks to each other. Sums over shards are added as a balanced tree, in the order of
/// the shards: they are the branches of one tree over the leaves of the sum (<see cref="SumLeaves"/>). Ranks lie in a block chunk by chunk
/// and part by part, <c>[entries, slots]</c> each, without room for modules that an adapter leaves out.
/// </summary>
internal static class ExchangeKernels
{
    /// <summary>
    /// x [T, width] → for every shard the block of its columns [T, share]. Groups: rows (x) times 128 columns (y) times shards (z).
    /// </summary>
    [Kernel]
    public static void PackColumns(ArrayView<float> x, ArrayView<float> blocks, ColumnsShape shape)
    {
        int target = Grid.IdxZ;
        if (target != shape.Shard)
        {
            Pack(x, blocks, target * shape.Stride, target, shape);
        }
    }

    /// <summary>x [T, width] → one block of this shard's own columns [T, share]. Groups: rows (x) times 128 columns (y).</summary>
    [Kernel]
    public static void PackOwn(ArrayView<float> x, ArrayView<float> block, ColumnsShape shape) => Pack(x, block, 0, shape.Shard, shape);

    /// <summary>
    /// Adds up what all shards have of this one's columns of x [T, width], and the bias: into <paramref name="sums"/>, where a row begins
    /// every <paramref name="pitch"/> elements and the first of the columns is at <paramref name="first"/>. sums may be x. Groups: rows (x)
    /// times 128 columns (y).
    /// </summary>
    [Kernel]
    public static void SumColumns(
        ArrayView<float> x, ArrayView<float> received, ArrayView<float> bias, ArrayView<float> sums, int hasBias, int pitch, int first,
        ColumnsShape shape)
    {
        int row = Grid.IdxX;
        int inBlock = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        int column = shape.First(shape.Shard) + inBlock;
        if (column < shape.First(shape.Shard + 1))
        {
            long own = ((long)row * shape.Width) + column;
            long at = ((long)row * shape.Share) + inBlock;
            float sum = Tree(x, own, received, at, shape.Stride, shape.Shard, shape.Shards);
            if (hasBias == 1)
            {
                sum += bias[column];
            }

            sums[((long)row * pitch) + first + inBlock] = sum;
        }
    }

    /// <summary>
    /// Blocks of all shards → x [T, width]; this shard's own is <paramref name="block"/>. Groups: rows (x) times 128 columns (y).
    /// </summary>
    [Kernel]
    public static void PlaceColumns(ArrayView<float> block, ArrayView<float> received, ArrayView<float> x, ColumnsShape shape)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < shape.Width)
        {
            int owner = 0;
            while (column >= shape.First(owner + 1))
            {
                owner++;
            }

            long at = ((long)row * shape.Share) + column - shape.First(owner);
            float value = 0;
            if (owner == shape.Shard)
            {
                value = block[at];
            }
            else
            {
                value = received[(owner * shape.Stride) + at];
            }

            x[((long)row * shape.Width) + column] = value;
        }
    }

    /// <summary>
    /// Blocks of looked-up rows → x [T, width]. places [T, 2]: the shard that has the row, its place among those of all shards in their
    /// order. Groups: rows (x) times 128 columns (y).
    /// </summary>
    [Kernel]
    public static void PlaceEntries(
        ArrayView<float> block, ArrayView<float> received, ArrayView<int> places, ArrayView<float> x, EntriesShape shape)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < shape.Width)
        {
            int owner = places[2 * row];
            int place = places[(2 * row) + 1];
            float value = 0;
            if (owner == shape.Shard)
            {
                value = block[shape.Before + ((long)(place - shape.FirstOwn) * shape.Width) + column];
            }
            else
            {
                value = received[((owner + 1) * shape.Before) + ((long)place * shape.Width) + column];
            }

            x[((long)row * shape.Width) + column] = value;
        }
    }

    /// <summary>Shrunken rows → blocks. Groups: chunks (x) times parts (y) times blocks (z).</summary>
    [Kernel]
    public static void PackRanks(
        ArrayView<float> v, ArrayView<int> directory, ArrayView<int> chunks, ArrayView<float> blocks, LoraShape lora, RanksShape shape)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int part = Grid.IdxY;
        int target = Grid.IdxZ;
        int holder = shape.Shard;
        if (shape.PerTarget == 1)
        {
            holder = target;
        }

        long block = (target * shape.Stride) + shape.Offset + Begin(directory, chunks, lora, shape, shared);
        int chunk = Grid.IdxX * LoraKernels.ChunkInts;
        int rank = directory[chunks[chunk] + (lora.Target(part) * LoraKernels.RecordInts)];
        int slots = shape.Slots(rank);
        int first = shape.First(rank, holder);
        int own = shape.Count(rank, holder);
        if (shape.PerTarget == 1 && target == shape.Shard)
        {
            own = 0;
        }

        int elements = chunks[chunk + 2] * slots;
        for (int i = Group.IdxX; i < elements; i += KernelLoader.GroupSize)
        {
            int entry = i / Math.Max(1, slots);
            int slot = i - (entry * slots);
            if (slot < own)
            {
                blocks[block + i] = v[VectorOf(chunks, chunk, part, entry) + first + slot];
            }
        }
    }

    /// <summary>
    /// Adds up what all shards have shrunk: this one's ranks, or all. Groups: chunks (x) times parts (y).
    /// </summary>
    [Kernel]
    public static void SumRanks(
        ArrayView<float> v, ArrayView<int> directory, ArrayView<int> chunks, ArrayView<float> received, LoraShape lora, RanksShape shape)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int part = Grid.IdxY;
        long block = shape.Offset + Begin(directory, chunks, lora, shape, shared);
        int chunk = Grid.IdxX * LoraKernels.ChunkInts;
        int rank = directory[chunks[chunk] + (lora.Target(part) * LoraKernels.RecordInts)];
        int slots = shape.Slots(rank);
        int first = shape.First(rank, shape.Shard);
        int own = shape.Count(rank, shape.Shard);
        int elements = chunks[chunk + 2] * slots;
        for (int i = Group.IdxX; i < elements; i += KernelLoader.GroupSize)
        {
            int entry = i / Math.Max(1, slots);
            int slot = i - (entry * slots);
            if (slot < own)
            {
                long at = VectorOf(chunks, chunk, part, entry) + first + slot;
                v[at] = Tree(v, at, received, block + i, shape.Stride, shape.Shard, shape.Shards);
            }
        }
    }

    /// <summary>Blocks of the other shards → shrunken rows. Groups: chunks (x) times parts (y) times shards (z).</summary>
    [Kernel]
    public static void PlaceRanks(
        ArrayView<float> v, ArrayView<int> directory, ArrayView<int> chunks, ArrayView<float> received, LoraShape lora, RanksShape shape)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int part = Grid.IdxY;
        int owner = Grid.IdxZ;
        long block = (owner * shape.Stride) + shape.Offset + Begin(directory, chunks, lora, shape, shared);
        int chunk = Grid.IdxX * LoraKernels.ChunkInts;
        int rank = directory[chunks[chunk] + (lora.Target(part) * LoraKernels.RecordInts)];
        int slots = shape.Slots(rank);
        int first = shape.First(rank, owner);
        int own = shape.Count(rank, owner);
        int elements = chunks[chunk + 2] * slots;
        for (int i = Group.IdxX; i < elements; i += KernelLoader.GroupSize)
        {
            int entry = i / Math.Max(1, slots);
            int slot = i - (entry * slots);
            if (slot < own && owner != shape.Shard)
            {
                v[VectorOf(chunks, chunk, part, entry) + first + slot] = received[block + i];
            }
        }
    }

    /// <summary>
    /// What the shard with a row's entry has shrunk for it → shrunken rows; <paramref name="rowsBefore"/> says where the looked-up rows of
    /// each shard end. Groups: chunks (x).
    /// </summary>
    [Kernel]
    public static void PlaceEntryRanks(
        ArrayView<float> v, ArrayView<int> directory, ArrayView<int> chunks, ArrayView<int> entryRows, ArrayView<int> places,
        ArrayView<float> received, LoraShape lora, RanksShape shape, SumLeaves rowsBefore)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        long begin = Begin(directory, chunks, lora, shape, shared);
        int chunk = Grid.IdxX * LoraKernels.ChunkInts;
        int rank = directory[chunks[chunk] + (lora.Target(0) * LoraKernels.RecordInts)];
        int elements = chunks[chunk + 2] * rank;
        for (int i = Group.IdxX; i < elements; i += KernelLoader.GroupSize)
        {
            int entry = i / Math.Max(1, rank);
            int owner = places[2 * entryRows[chunks[chunk + 1] + entry]];
            long block = owner * shape.Offset;
            if (owner > 0)
            {
                block += (long)rowsBefore.End(owner - 1) * lora.Width;
            }

            if (owner != shape.Shard)
            {
                v[VectorOf(chunks, chunk, 0, entry) + i - (entry * rank)] = received[block + begin + i];
            }
        }
    }

    private static void Pack(ArrayView<float> x, ArrayView<float> blocks, long block, int target, ColumnsShape shape)
    {
        int row = Grid.IdxX;
        int inBlock = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        int column = shape.First(target) + inBlock;
        if (column < shape.First(target + 1))
        {
            blocks[block + ((long)row * shape.Share) + inBlock] = x[((long)row * shape.Width) + column];
        }
    }

    /// <summary>Where the rows of the group's chunk and part begin: behind those of all before, which the group counts together.</summary>
    private static int Begin(ArrayView<int> directory, ArrayView<int> chunks, LoraShape lora, RanksShape shape, ArrayView<int> shared)
    {
        int before = (Grid.IdxX * shape.Parts) + Grid.IdxY;
        int elements = 0;
        for (int i = Group.IdxX; i < before; i += KernelLoader.GroupSize)
        {
            int chunk = i / shape.Parts;
            int part = i - (chunk * shape.Parts);
            int rank = directory[chunks[chunk * LoraKernels.ChunkInts] + (lora.Target(part) * LoraKernels.RecordInts)];
            elements += chunks[(chunk * LoraKernels.ChunkInts) + 2] * shape.Slots(rank);
        }

        return RowReduction.Sum(shared, elements);
    }

    /// <summary>Where v of an entry begins.</summary>
    private static long VectorOf(ArrayView<int> chunks, int chunk, int part, int entry) =>
        chunks[chunk + 3] + ((((long)part * chunks[chunk + 2]) + entry) * chunks[chunk + 4]);

    private static float Tree(ArrayView<float> own, long ownAt, ArrayView<float> received, long at, long stride, int shard, int shards)
    {
        float sum = Of(own, ownAt, received, at, stride, shard, 0) + Of(own, ownAt, received, at, stride, shard, 1);
        if (shards > 2)
        {
            sum += Of(own, ownAt, received, at, stride, shard, 2) + Of(own, ownAt, received, at, stride, shard, 3);
        }

        if (shards > 4)
        {
            float left = Of(own, ownAt, received, at, stride, shard, 4) + Of(own, ownAt, received, at, stride, shard, 5);
            float right = Of(own, ownAt, received, at, stride, shard, 6) + Of(own, ownAt, received, at, stride, shard, 7);
            sum += left + right;
        }

        return sum;
    }

    private static float Of(ArrayView<float> own, long ownAt, ArrayView<float> received, long at, long stride, int shard, int of)
    {
        float value = 0;
        if (of == shard)
        {
            value = own[ownAt];
        }
        else
        {
            value = received[(of * stride) + at];
        }

        return value;
    }
}
