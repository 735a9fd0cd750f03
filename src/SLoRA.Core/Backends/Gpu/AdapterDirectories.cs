using ILGPU;
using SLoRA.Adapters.Packing;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Where a generation's record lies in the directory, the largest rank of its modules, and where the record of what it changes besides
/// lies, negative where it changes nothing.
/// </summary>
internal readonly record struct DirectoryEntry(int Record, int MaxRank, int Changes)
{
    /// <summary>Blocks of rank rows that the largest rank takes.</summary>
    public int RankBlocks => (MaxRank + LoraKernels.GroupRanks - 1) / LoraKernels.GroupRanks;
}

/// <summary>
/// The tile directories of resident generations on the device, as ints (layout: <see cref="LoraKernels"/>). A directory is written when its
/// generation first appears in a step and stays until there is no room: then all are forgotten, and those of the step are written again.
/// </summary>
internal sealed unsafe class AdapterDirectories : IDisposable
{
    /// <summary>Where the record of an adapter lies that leaves every module alone.</summary>
    public const int Nobody = 0;

    private const int FirstCapacity = 1 << 16;

    // Blocks of this many ints, so that a record never shares a cache line with the one before.
    private const int Block = 32;

    private readonly Dictionary<ResidentAdapter, DirectoryEntry> _entries = new(ReferenceEqualityComparer.Instance);
    private readonly GpuDevice _device;
    private readonly long _pageBytes;
    private readonly int? _shard;
    private HostBuffer _host;
    private DeviceArena _memory;
    private int _capacity = FirstCapacity;
    private int _used;
    private int _uploaded;

    /// <summary>Takes memory for the directories of usual adapters.</summary>
    /// <param name="device">Where.</param>
    /// <param name="pageBytes">Bytes of a page of the pool.</param>
    /// <param name="shard">Which of several shards this is; null on one device.</param>
    public AdapterDirectories(GpuDevice device, long pageBytes, int? shard = null)
    {
        _device = device;
        _shard = shard;
        _pageBytes = pageBytes;
        _host = new HostBuffer(device, (long)FirstCapacity * sizeof(int));
        try
        {
            _memory = new DeviceArena(device, (long)FirstCapacity * sizeof(int), "tile directories");
        }
        catch
        {
            _host.Dispose();
            throw;
        }
    }

    /// <summary>The directories; valid after <see cref="Upload"/>.</summary>
    public ArrayView<int> View => _memory.All.Cast<int>();

    /// <summary>Makes sure that the directories of all chunks are there.</summary>
    public void Require(ReadOnlySpan<WorkChunk> chunks)
    {
        if (chunks.IsEmpty)
        {
            return;
        }

        int missing = _used == 0 ? IntsOfNobody(chunks) : 0;
        ResidentAdapter? last = null;
        foreach (WorkChunk chunk in chunks)
        {
            if (!ReferenceEquals(chunk.Adapter, last) && !_entries.ContainsKey(chunk.Adapter))
            {
                missing += IntsOf(Own(chunk.Adapter).Directory);
            }

            last = chunk.Adapter;
        }

        if (_used + missing > _capacity)
        {
            Restart(chunks);
        }

        if (_used == 0)
        {
            _used = IntsOfNobody(chunks);
            _host.Span<int>(0, _used).Clear();
        }

        foreach (WorkChunk chunk in chunks)
        {
            if (!_entries.ContainsKey(chunk.Adapter))
            {
                _entries.Add(chunk.Adapter, Write(Own(chunk.Adapter)));
            }
        }
    }

    /// <summary>Where a generation's record lies.</summary>
    public DirectoryEntry Of(ResidentAdapter adapter) => _entries[adapter];

    /// <summary>Sends what was written since the last time.</summary>
    public void Upload()
    {
        if (_used > _uploaded)
        {
            long begin = (long)_uploaded * sizeof(int);
            _device.Upload(_host.Address + begin, _memory.All.SubView(begin, (long)(_used - _uploaded) * sizeof(int)));
            _uploaded = _used;
        }
    }

    public void Dispose()
    {
        _host.Dispose();
        _memory.Dispose();
    }

    private static int IntsOfNobody(ReadOnlySpan<WorkChunk> chunks) =>
        Rounded(chunks[0].Adapter.Directory.Modules.Length * LoraKernels.RecordInts);

    private static int Rounded(int ints) => (ints + Block - 1) / Block * Block;

    private static int IntsOf(TileDirectory directory)
    {
        int ints = directory.Modules.Length * LoraKernels.RecordInts;
        foreach (ModuleTiles? module in directory.Modules)
        {
            ints += module is null ? 0 : LoraKernels.TileInts * (module.A.Tiles.Length + module.B.Tiles.Length);
        }

        ints += directory.Changes.Length * ChangeKernels.RecordInts;
        foreach (ModuleChange? change in directory.Changes)
        {
            ints += change is null ? 0 : change.Ids.Length + (LoraKernels.TileInts * (TilesOf(change.Rows) + TilesOf(change.Factor)
                + TilesOf(change.Offset)));
        }

        return Rounded(ints);
    }

    private ResidentAdapter Own(ResidentAdapter adapter) => _shard is { } shard ? adapter.OnShard(shard) : adapter;

    private static int TilesOf(MatrixTiles? matrix) => matrix?.Tiles.Length ?? 0;

    /// <summary>Forgets everything, and makes room for twice what the step needs.</summary>
    private void Restart(ReadOnlySpan<WorkChunk> chunks)
    {
        // Copies that are under way read the host's side.
        _device.Synchronize();
        _entries.Clear();
        _used = 0;
        _uploaded = 0;
        int needed = IntsOfNobody(chunks);
        foreach (WorkChunk chunk in chunks)
        {
            needed += IntsOf(Own(chunk.Adapter).Directory);
        }

        if (needed > _capacity)
        {
            _host.Dispose();
            _memory.Dispose();
            _capacity = checked(2 * needed);
            _host = new HostBuffer(_device, (long)_capacity * sizeof(int));
            _memory = new DeviceArena(_device, (long)_capacity * sizeof(int), "tile directories");
        }
    }

    private DirectoryEntry Write(ResidentAdapter adapter)
    {
        int first = _used;
        int maxRank = 0;
        TileDirectory directory = adapter.Directory;
        Span<int> ints = _host.Span<int>(0, _capacity);
        int next = first + (directory.Modules.Length * LoraKernels.RecordInts);
        for (int target = 0; target < directory.Modules.Length; target++)
        {
            Span<int> record = ints.Slice(first + (target * LoraKernels.RecordInts), LoraKernels.RecordInts);
            record.Clear();
            if (directory.Modules[target] is { } module)
            {
                maxRank = Math.Max(maxRank, module.Rank);
                record[0] = module.Rank;
                record[1] = BitConverter.SingleToInt32Bits(module.Scale);
                Tiles(module.A, adapter.Pages, record[2..5], ints, ref next);
                Tiles(module.B, adapter.Pages, record[5..8], ints, ref next);
            }
        }

        int changes = directory.HasChanges ? WriteChanges(adapter, ints, ref next) : -1;
        _used += IntsOf(directory);
        return new DirectoryEntry(first, maxRank, changes);
    }

    private int WriteChanges(ResidentAdapter adapter, Span<int> ints, ref int next)
    {
        int first = next;
        next += adapter.Directory.Changes.Length * ChangeKernels.RecordInts;
        for (int target = 0; target < adapter.Directory.Changes.Length; target++)
        {
            Span<int> record = ints.Slice(first + (target * ChangeKernels.RecordInts), ChangeKernels.RecordInts);
            record.Clear();
            if (adapter.Directory.Changes[target] is not { } change)
            {
                continue;
            }

            if (change.Product is { A: var rows })
            {
                // A shard counts the rows that it has, as those of its own product.
                Tiles(rows, adapter.Pages, record[..3], ints, ref next);
                record[3] = rows.Rows;
                record[4] = change.Ids.IsEmpty ? -1 : next;
                change.Ids.AsSpan().CopyTo(ints[next..]);
                next += change.Ids.Length;
            }

            Vector(change.Factor, adapter.Pages, record[5..7], ints, ref next);
            Vector(change.Offset, adapter.Pages, record[7..9], ints, ref next);
        }

        return first;
    }

    private void Vector(MatrixTiles? vector, int[] pages, Span<int> record, Span<int> ints, ref int next)
    {
        if (vector is not null)
        {
            Span<int> whole = stackalloc int[3];
            Tiles(vector, pages, whole, ints, ref next);
            whole[1..].CopyTo(record);
        }
    }

    private void Tiles(MatrixTiles matrix, int[] pages, Span<int> record, Span<int> ints, ref int next)
    {
        record[0] = matrix.Type switch
        {
            TensorType.F32 => LoraKernels.F32,
            TensorType.F16 => LoraKernels.F16,
            TensorType.BF16 => LoraKernels.Bf16,
            _ => throw UnservedType.Error(matrix.Type),
        };
        record[1] = next;
        record[2] = matrix.Tiles.Length;
        foreach (Tile tile in matrix.Tiles)
        {
            ints[next] = (int)(((pages[tile.Page] * _pageBytes) + tile.Offset) / TilePlanner.Alignment);
            ints[next + 1] = matrix.FirstRow + tile.FirstRow;
            ints[next + 2] = tile.Rows;
            ints[next + 3] = tile.FirstColumn;
            ints[next + 4] = tile.Columns;
            next += LoraKernels.TileInts;
        }
    }
}
