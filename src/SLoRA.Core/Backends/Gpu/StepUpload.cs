using System.Runtime.InteropServices;
using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>One array of the upload, in ints from its start.</summary>
internal readonly record struct Section(int First, int Count);

/// <summary>
/// The plan of a step as the kernels want it: one block of ints, put together in page-locked memory and sent in one copy. The memory grows
/// with the largest step seen and is used again for the next one.
/// </summary>
internal sealed unsafe class StepUpload : IDisposable
{
    private const int FirstCapacity = 1 << 14;

    // Views that kernels are given start at multiples of the arena's alignment.
    private const int Block = DeviceArena.Alignment / sizeof(int);

    private readonly GpuDevice _device;
    private readonly AdapterDirectories _directories;
    private readonly int _partialPlaces;
    private HostBuffer _host;
    private DeviceArena _memory;
    private int _capacity = FirstCapacity;
    private int _used;
    private Section _tokens;
    private Section _positions;
    private Section _tableStart;
    private int _rowsStride;
    private int _rowCount;
    private Section _pages;
    private Section _outputRows;
    private Section _outputOfRow;
    private Section _entryRows;
    private Section _entryWeights;
    private Section _entryChunks;
    private Section _chunks;
    private Section _blocks;
    private Section _expandBlocks;
    private int[] _firstExpandBlocks = new int[16];
    private Section _changeOfRow;
    private Section _tasks;
    private Section _merges;
    private Section _walks;
    private Section _choices;
    private Section _seen;
    private Section _seenCounts;
    private Section _biasTokens;
    private Section _biasValues;
    private Section _slices;
    private Section _ownTokens;
    private Section _entryPlaces;
    private EntrySplit? _entries;

    /// <summary>Takes memory for steps of usual size.</summary>
    /// <param name="device">Where.</param>
    /// <param name="directories">Where the adapters' tiles are described.</param>
    /// <param name="partialPlaces">Results of splits of attention that there is room for.</param>
    public StepUpload(GpuDevice device, AdapterDirectories directories, int partialPlaces)
    {
        _device = device;
        _directories = directories;
        _partialPlaces = partialPlaces;
        _host = new HostBuffer(device, FirstCapacity * sizeof(int));
        try
        {
            _memory = new DeviceArena(device, FirstCapacity * sizeof(int), "the plan of a step");
        }
        catch
        {
            _host.Dispose();
            throw;
        }
    }

    /// <summary>Token per row.</summary>
    public ArrayView<int> Tokens => View(_tokens);

    /// <summary>Position per row.</summary>
    public ArrayView<int> Positions => View(_positions);

    /// <summary>Where the page table of each row begins in <see cref="Pages"/>, for a group of layers.</summary>
    public ArrayView<int> TableStart(int group) => View(new Section(_tableStart.First + (group * _rowsStride), _rowCount));

    /// <summary>All page tables.</summary>
    public ArrayView<int> Pages => View(_pages);

    /// <summary>Slices, <see cref="ConvolveKernel.SliceInts"/> ints each; none in a step of a model without states.</summary>
    public ArrayView<int> Slices => View(_slices);

    /// <summary>Rows whose logits are wanted.</summary>
    public ArrayView<int> OutputRows => View(_outputRows);

    /// <summary>Row → output row, or −1.</summary>
    public ArrayView<int> OutputOfRow => View(_outputOfRow);

    /// <summary>Row per entry of the work list.</summary>
    public ArrayView<int> EntryRows => View(_entryRows);

    /// <summary>Weight per entry of the work list.</summary>
    public ArrayView<float> EntryWeights => View(_entryWeights).Cast<float>();

    /// <summary>Chunk per entry of the work list.</summary>
    public ArrayView<int> EntryChunks => View(_entryChunks);

    /// <summary>Blocks of rank rows that the largest rank of the step has.</summary>
    public int RankBlocks { get; private set; }

    /// <summary>Chunks of the work list, <see cref="LoraKernels.ChunkInts"/> ints each.</summary>
    public ArrayView<int> Chunks => View(_chunks);

    /// <summary>
    /// Per row the record of what its generation changes besides, see <see cref="ChangeKernels"/>, or −1; empty in steps without any.
    /// </summary>
    public ArrayView<int> ChangeOfRow => View(_changeOfRow);

    /// <summary>Blocks of shrink, <see cref="LoraKernels.BlockInts"/> ints each.</summary>
    public ArrayView<int> ShrinkBlocks => View(_blocks);

    /// <summary>Blocks of shrink.</summary>
    public int ShrinkBlockCount => _blocks.Count / LoraKernels.BlockInts;

    /// <summary>Blocks of expand of all chunks, <see cref="LoraKernels.ExpandBlockInts"/> ints each.</summary>
    public ArrayView<int> ExpandBlocks => View(_expandBlocks);

    /// <summary>Blocks of expand of the chunks from <paramref name="first"/> to <paramref name="end"/>.</summary>
    public int ExpandBlockCount(int first, int end) => _firstExpandBlocks[end] - _firstExpandBlocks[first];

    /// <summary>Blocks of expand, from those of a chunk on.</summary>
    public ArrayView<int> ExpandBlocksFrom(int chunk)
    {
        int first = _firstExpandBlocks[chunk] * LoraKernels.ExpandBlockInts;
        return ExpandBlocks.SubView(first, ExpandBlocks.IntLength - first);
    }

    /// <summary>Tasks of attention, <see cref="AttentionKernels.TaskInts"/> ints each.</summary>
    public ArrayView<int> Tasks => View(_tasks);

    /// <summary>Tasks of attention.</summary>
    public int TaskCount => _tasks.Count / AttentionKernels.TaskInts;

    /// <summary>Tasks of attention that have a place for their results, the first ones: splits of single rows.</summary>
    public int SplitCount { get; private set; }

    /// <summary>Rows of sequences without such tasks, <see cref="TensorAttentionKernels.WalkInts"/> ints each.</summary>
    public ArrayView<int> Walks => View(_walks);

    /// <summary>Walks of attention.</summary>
    public int WalkCount => _walks.Count / TensorAttentionKernels.WalkInts;

    /// <summary>Merges of attention, 3 ints each.</summary>
    public ArrayView<int> Merges => View(_merges);

    /// <summary>Merges of attention.</summary>
    public int MergeCount => _merges.Count / 3;

    /// <summary>Choices of tokens, <see cref="ChooseKernels.ChoiceInts"/> ints each.</summary>
    public ArrayView<int> Choices => View(_choices);

    /// <summary>Tokens that penalties look at.</summary>
    public ArrayView<int> Seen => View(_seen);

    /// <summary>How often each of them was generated.</summary>
    public ArrayView<int> SeenCounts => View(_seenCounts);

    /// <summary>Tokens with a bias.</summary>
    public ArrayView<int> BiasTokens => View(_biasTokens);

    /// <summary>Their biases.</summary>
    public ArrayView<float> BiasValues => View(_biasValues).Cast<float>();

    /// <summary>
    /// Tokens whose entries this shard has, counted from its first, in the order of their rows; nothing on one device.
    /// </summary>
    public ArrayView<int> OwnTokens => View(_ownTokens);

    /// <summary>Per row the shard that has its token's entry, and the row's place among those of all shards in their order.</summary>
    public ArrayView<int> EntryPlaces => View(_entryPlaces);

    /// <summary>Where the rows of each shard begin in that order, and the end.</summary>
    public ReadOnlySpan<int> OwnerBorders => _entries!.Borders;

    /// <summary>Elements that the shrunken rows of one launch take.</summary>
    public long ShrunkLength { get; private set; }

    /// <summary>The chunks from <paramref name="first"/> on.</summary>
    public ArrayView<int> ChunksFrom(int first) =>
        Chunks.SubView(first * LoraKernels.ChunkInts, Chunks.IntLength - (first * LoraKernels.ChunkInts));

    /// <summary>Shards share the entries of the embedding table: plans say from now on who has which row.</summary>
    public void Share(EntrySplit entries) => _entries = entries;

    /// <summary>Puts a plan together and sends it.</summary>
    public void Send(StepPlan plan)
    {
        Reserve(plan);
        _used = 0;
        _tokens = Put(plan.Tokens);
        _positions = Put(plan.Positions);
        _pages = Put(plan.PageTables);
        _outputRows = Put(plan.OutputRows);
        PutRows(plan);
        PutOwners(plan);
        PutSlices(plan);
        PutLora(plan.Lora);
        PutChanges(plan);
        PutAttention(plan);
        PutChoices(plan.Choices);
        _device.Upload(_host.Address, _memory.All.SubView(0, (long)_used * sizeof(int)));
    }

    public void Dispose()
    {
        _host.Dispose();
        _memory.Dispose();
    }

    private void PutRows(StepPlan plan)
    {
        _rowCount = plan.RowCount;
        _rowsStride = Rounded(plan.RowCount);
        Span<int> starts = Take(plan.Groups * _rowsStride, out _tableStart);
        for (int group = 0; group < plan.Groups; group++)
        {
            foreach (StepSlice slice in plan.Slices)
            {
                starts.Slice((group * _rowsStride) + slice.FirstRow, slice.RowCount).Fill(plan.TableStart(slice, group));
            }
        }

        Span<int> outputs = Take(plan.RowCount, out _outputOfRow);
        outputs.Fill(-1);
        for (int output = 0; output < plan.OutputCount; output++)
        {
            outputs[plan.OutputRows[output]] = output;
        }
    }

    private void PutOwners(StepPlan plan)
    {
        if (_entries is null)
        {
            return;
        }

        _entries.Find(plan.Tokens);
        _entries.Places.CopyTo(Take(2 * plan.RowCount, out _entryPlaces));
        _entries.OwnTokens.CopyTo(Take(_entries.OwnTokens.Length, out _ownTokens));
    }

    private void PutSlices(StepPlan plan)
    {
        bool hasStates = !plan.Slices.IsEmpty && plan.Slices[0].StateLength > 0;
        Span<int> slices = Take(hasStates ? plan.Slices.Length * ConvolveKernel.SliceInts : 0, out _slices);
        for (int i = 0; hasStates && i < plan.Slices.Length; i++)
        {
            StepSlice slice = plan.Slices[i];
            slices[0] = slice.FirstRow;
            slices[1] = slice.RowCount;
            slices[2] = slice.TableStart + slice.TableLength;
            slices = slices[ConvolveKernel.SliceInts..];
        }
    }

    private void PutLora(WorkList list)
    {
        _directories.Require(list.Chunks);
        Span<int> rows = Take(list.Entries.Length, out _entryRows);
        Span<float> weights = MemoryMarshal.Cast<int, float>(Take(list.Entries.Length, out _entryWeights));
        for (int i = 0; i < list.Entries.Length; i++)
        {
            rows[i] = list.Entries[i].Row;
            weights[i] = list.Entries[i].Weight;
        }

        Span<int> entryChunks = Take(list.Entries.Length, out _entryChunks);
        Span<int> chunks = Take(list.Chunks.Length * LoraKernels.ChunkInts, out _chunks);
        RankBlocks = 0;
        int blockCount = 0;
        long shrunk = 0;
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            WorkChunk chunk = list.Chunks[i];
            DirectoryEntry entry = _directories.Of(chunk.Adapter);
            Span<int> record = chunks.Slice(i * LoraKernels.ChunkInts, LoraKernels.ChunkInts);
            record[0] = entry.Record;
            record[1] = chunk.First;
            record[2] = chunk.Count;
            record[3] = checked((int)shrunk);
            record[4] = entry.MaxRank;
            record[5] = entry.Changes;
            shrunk += (long)LoraKernels.MaxParts * chunk.Count * entry.MaxRank;
            blockCount += BlocksOf(entry) * Divide(chunk.Count, LoraKernels.BlockEntries);
            RankBlocks = Math.Max(RankBlocks, BlocksOf(entry));
            entryChunks.Slice(chunk.First, chunk.Count).Fill(i);
        }

        ShrunkLength = shrunk;
        PutBlocks(list, blockCount);
    }

    /// <summary>Blocks of both kernels: as many as each chunk's own rank and entries take.</summary>
    private void PutBlocks(WorkList list, int count)
    {
        if (_firstExpandBlocks.Length <= list.Chunks.Length)
        {
            _firstExpandBlocks = new int[2 * list.Chunks.Length];
        }

        int expand = 0;
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            _firstExpandBlocks[i] = expand;
            expand += Divide(list.Chunks[i].Count, LoraKernels.ExpandEntries);
        }

        _firstExpandBlocks[list.Chunks.Length] = expand;
        Reserve(_used + (count * LoraKernels.BlockInts) + (expand * LoraKernels.ExpandBlockInts) + (2 * Block));
        Span<int> blocks = Take(count * LoraKernels.BlockInts, out _blocks);
        Span<int> expandBlocks = Take(expand * LoraKernels.ExpandBlockInts, out _expandBlocks);
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            int ranks = BlocksOf(_directories.Of(list.Chunks[i].Adapter)) * LoraKernels.GroupRanks;
            for (int entry = 0; entry < list.Chunks[i].Count; entry += LoraKernels.BlockEntries)
            {
                for (int rank = 0; rank < ranks; rank += LoraKernels.GroupRanks)
                {
                    (blocks[0], blocks[1], blocks[2]) = (i, rank, entry);
                    blocks = blocks[LoraKernels.BlockInts..];
                }
            }

            for (int entry = 0; entry < list.Chunks[i].Count; entry += LoraKernels.ExpandEntries)
            {
                (expandBlocks[0], expandBlocks[1]) = (i, entry);
                expandBlocks = expandBlocks[LoraKernels.ExpandBlockInts..];
            }
        }
    }

    /// <summary>Rows of generations that have weights in the place of the base's have one generation only.</summary>
    private void PutChanges(StepPlan plan)
    {
        int rows = plan.Lora.HasChanges ? plan.RowCount : 0;
        Reserve(_used + rows + Block);
        Span<int> changes = Take(rows, out _changeOfRow);
        changes.Fill(-1);
        if (rows == 0)
        {
            return;
        }

        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            int record = _directories.Of(chunk.Adapter).Changes;
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                changes[entry.Row] = record;
            }
        }
    }

    /// <summary>
    /// A task per row; the single row of a decoding sequence gets one task per split, as long as there are places for their results, since
    /// one group would have to walk its whole context alone. Those come first. Rows of the others are walks, too, several in each.
    /// </summary>
    private void PutAttention(StepPlan plan)
    {
        int tasks = plan.RowCount;
        int merges = 0;
        int places = 0;
        int walks = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            if (IsSplit(slice, places))
            {
                places += SplitsOf(slice.FirstPosition);
                tasks += SplitsOf(slice.FirstPosition) - 1;
                merges++;
            }
            else
            {
                walks += Divide(slice.RowCount, TensorAttentionKernels.WalkRows);
            }
        }

        Reserve(
            _used + (tasks * AttentionKernels.TaskInts) + (merges * 3) + (walks * TensorAttentionKernels.WalkInts) + (3 * Block));
        Span<int> split = Take(tasks * AttentionKernels.TaskInts, out _tasks);
        Span<int> merge = Take(merges * 3, out _merges);
        Span<int> walk = Take(walks * TensorAttentionKernels.WalkInts, out _walks);
        Span<int> task = split[(places * AttentionKernels.TaskInts)..];
        SplitCount = places;
        places = 0;
        foreach (StepSlice slice in plan.Slices)
        {
            if (IsSplit(slice, places))
            {
                int splits = SplitsOf(slice.FirstPosition);
                (merge[0], merge[1], merge[2]) = (slice.FirstRow, places, splits);
                merge = merge[3..];
                for (int i = 0; i < splits; i++)
                {
                    (split[0], split[1], split[2], split[3]) = (slice.FirstRow, i, 1, places++);
                    split = split[AttentionKernels.TaskInts..];
                }

                continue;
            }

            for (int i = 0; i < slice.RowCount; i++)
            {
                (task[0], task[1], task[2], task[3]) = (slice.FirstRow + i, 0, SplitsOf(slice.FirstPosition + i), -1);
                task = task[AttentionKernels.TaskInts..];
            }

            for (int i = 0; i < slice.RowCount; i += TensorAttentionKernels.WalkRows)
            {
                (walk[0], walk[1]) = (slice.FirstRow + i, Math.Min(slice.RowCount - i, TensorAttentionKernels.WalkRows));
                walk = walk[TensorAttentionKernels.WalkInts..];
            }
        }
    }

    private void PutChoices(TokenChoices choices)
    {
        Reserve(_used + (choices.Items.Length * ChooseKernels.ChoiceInts) + (2 * (choices.Seen.Length + choices.BiasTokens.Length))
            + (5 * Block));
        Span<int> ints = Take(choices.Items.Length * ChooseKernels.ChoiceInts, out _choices);
        foreach (TokenChoice choice in choices.Items)
        {
            ints[0] = choice.Output;
            ints[1] = BitConverter.SingleToInt32Bits(choice.Temperature);
            ints[2] = choice.TopK;
            ints[3] = BitConverter.SingleToInt32Bits(choice.Removable);
            ints[4] = BitConverter.SingleToInt32Bits(choice.MinP);
            ints[5] = BitConverter.SingleToInt32Bits(choice.Uniform);
            ints[6] = BitConverter.SingleToInt32Bits(choice.RepetitionPenalty);
            ints[7] = BitConverter.SingleToInt32Bits(choice.PresencePenalty);
            ints[8] = BitConverter.SingleToInt32Bits(choice.FrequencyPenalty);
            ints[9] = choice.FirstSeen;
            ints[10] = choice.SeenCount;
            ints[11] = choice.FirstBias;
            ints[12] = choice.BiasCount;
            ints = ints[ChooseKernels.ChoiceInts..];
        }

        _seen = Put(choices.Seen);
        _seenCounts = Put(choices.SeenCounts);
        _biasTokens = Put(choices.BiasTokens);
        _biasValues = Put(MemoryMarshal.Cast<float, int>(choices.BiasValues));
    }

    private bool IsSplit(StepSlice slice, int places) =>
        slice.RowCount == 1 && SplitsOf(slice.FirstPosition) is var splits and > 1 && places + splits <= _partialPlaces;

    private static int SplitsOf(int position) => (position / AttentionKernels.Split) + 1;

    private static int BlocksOf(DirectoryEntry entry) => Divide(entry.MaxRank, LoraKernels.GroupRanks);

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;

    private Section Put(ReadOnlySpan<int> values)
    {
        values.CopyTo(Take(values.Length, out Section section));
        return section;
    }

    private Span<int> Take(int count, out Section section)
    {
        section = new Section(_used, count);
        _used += Rounded(count);
        return _host.Span<int>((long)section.First * sizeof(int), count);
    }

    private static int Rounded(int count) => (count + Block - 1) / Block * Block;

    // An empty array is a view of what nobody reads: kernels take no views of nothing.
    private ArrayView<int> View(Section section) =>
        section.Count == 0
            ? _memory.All.SubView(0, sizeof(int)).Cast<int>()
            : _memory.All.SubView((long)section.First * sizeof(int), (long)section.Count * sizeof(int)).Cast<int>();

    private void Reserve(StepPlan plan) => Reserve(
        ((6 + ConvolveKernel.SliceInts) * plan.RowCount) + (plan.Groups * (plan.RowCount + Block)) + plan.PageTables.Length
        + plan.OutputCount + (3 * plan.Lora.Entries.Length) + (LoraKernels.ChunkInts * plan.Lora.Chunks.Length) + (13 * Block));

    /// <summary>Makes room for so many ints; keeps what the host has put together.</summary>
    private void Reserve(int ints)
    {
        if (ints <= _capacity)
        {
            return;
        }

        _device.Synchronize();
        int capacity = checked(2 * ints);
        var host = new HostBuffer(_device, (long)capacity * sizeof(int));
        _host.Span<int>(0, _used).CopyTo(host.Span<int>(0, _used));
        _host.Dispose();
        _memory.Dispose();
        _host = host;
        _capacity = capacity;
        _memory = new DeviceArena(_device, (long)capacity * sizeof(int), "the plan of a step");
    }
}
