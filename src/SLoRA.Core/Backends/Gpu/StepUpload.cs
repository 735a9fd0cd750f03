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

    /// <summary>Rows that launches are for.</summary>
    public int RowCount { get; private set; }

    /// <summary>Output rows that launches are for.</summary>
    public int OutputCount => _outputRows.Count;

    /// <summary>The memory of everything that is sent.</summary>
    public ArrayView<byte> Memory => _memory.All;

    /// <summary>Token per row.</summary>
    public ArrayView<int> Tokens => View(_tokens);

    /// <summary>Position per row.</summary>
    public ArrayView<int> Positions => View(_positions);

    /// <summary>Where the page table of each row begins in <see cref="Pages"/>, for a group of layers.</summary>
    public ArrayView<int> TableStart(int group) => View(new Section(_tableStart.First + (group * _rowsStride), RowCount));

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

    /// <summary>Entries of the work list that launches are for.</summary>
    public int EntryCount => _entryRows.Count;

    /// <summary>Chunks of the work list, <see cref="LoraKernels.ChunkInts"/> ints each.</summary>
    public ArrayView<int> Chunks => View(_chunks);

    /// <summary>Chunks of the work list that launches are for.</summary>
    public int ChunkCount => _chunks.Count / LoraKernels.ChunkInts;

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

    /// <summary>Room for tasks of attention with a place for their results, the first ones: splits of single rows.</summary>
    public int SplitCount { get; private set; }

    /// <summary>Rows of sequences without such tasks, <see cref="TensorAttentionKernels.WalkInts"/> ints each.</summary>
    public ArrayView<int> Walks => View(_walks);

    /// <summary>Walks of attention.</summary>
    public int WalkCount => _walks.Count / TensorAttentionKernels.WalkInts;

    /// <summary>Merges of attention, <see cref="SplitTasks.MergeInts"/> ints each.</summary>
    public ArrayView<int> Merges => View(_merges);

    /// <summary>Merges of attention.</summary>
    public int MergeCount => _merges.Count / SplitTasks.MergeInts;

    /// <summary>Choices of tokens, <see cref="ChooseKernels.ChoiceInts"/> ints each.</summary>
    public ArrayView<int> Choices => View(_choices);

    /// <summary>Choices of tokens.</summary>
    public int ChoiceCount => _choices.Count / ChooseKernels.ChoiceInts;

    /// <summary>Whether a choice has penalties or biases.</summary>
    public bool HasPenalties => _seen.Count > 0 || _biasTokens.Count > 0;

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

    /// <summary>What a plan has; makes sure that the directories of its adapters are there.</summary>
    public StepExtents Measure(StepPlan plan)
    {
        _directories.Require(plan.Lora.Chunks);
        return StepExtents.Of(plan, _directories, _partialPlaces);
    }

    /// <summary>Puts a plan together and sends it.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="extents">
    /// What to make room for: as much as the plan has, or more. What is more belongs to no row, adapter or sequence, so that kernels leave
    /// at once, but for rows: they are of token 0, their keys and values go nowhere.
    /// </param>
    /// <param name="isPadded">Whether it may be more: then all views depend on the extents alone, and the pages come last.</param>
    public void Send(StepPlan plan, in StepExtents extents, bool isPadded = false)
    {
        Reserve(plan, extents);
        _used = 0;
        _tokens = Put(plan.Tokens, extents.Rows, 0);
        _positions = Put(plan.Positions, extents.Rows, 0);
        _outputRows = Put(plan.OutputRows, extents.Outputs, 0);
        PutRows(plan, extents.Rows);
        PutOwners(plan);
        PutSlices(plan);
        PutLora(plan.Lora, extents);
        PutChanges(plan);
        PutAttention(plan, extents);
        PutChoices(plan.Choices, extents);
        _pages = Put(plan.PageTables, plan.PageTables.Length, 0);
        if (isPadded)
        {
            _pages = _pages with { Count = _capacity - _pages.First };
        }

        _device.Upload(_host.Address, _memory.All.SubView(0, (long)_used * sizeof(int)));
    }

    public void Dispose()
    {
        _host.Dispose();
        _memory.Dispose();
    }

    private void PutRows(StepPlan plan, int rows)
    {
        RowCount = rows;
        _rowsStride = Rounded(rows);
        Span<int> starts = Take(plan.Groups * _rowsStride, out _tableStart);
        for (int group = 0; group < plan.Groups; group++)
        {
            Span<int> ofGroup = starts.Slice(group * _rowsStride, rows);
            foreach (StepSlice slice in plan.Slices)
            {
                ofGroup.Slice(slice.FirstRow, slice.RowCount).Fill(plan.TableStart(slice, group));
            }

            ofGroup[plan.RowCount..].Fill(RotateAndStoreKernel.NoTable);
        }

        Span<int> outputs = Take(rows, out _outputOfRow);
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

    private void PutLora(WorkList list, in StepExtents extents)
    {
        Span<int> rows = Take(extents.Entries, out _entryRows);
        Span<float> weights = MemoryMarshal.Cast<int, float>(Take(extents.Entries, out _entryWeights));
        for (int i = 0; i < list.Entries.Length; i++)
        {
            rows[i] = list.Entries[i].Row;
            weights[i] = list.Entries[i].Weight;
        }

        rows[list.Entries.Length..].Clear();
        weights[list.Entries.Length..].Clear();
        Span<int> entryChunks = Take(extents.Entries, out _entryChunks);
        entryChunks.Fill(list.Chunks.Length);
        Span<int> chunks = Take(extents.Chunks * LoraKernels.ChunkInts, out _chunks);
        RankBlocks = extents.RankBlocks;
        long shrunk = 0;
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            WorkChunk chunk = list.Chunks[i];
            DirectoryEntry entry = _directories.Of(chunk.Adapter);
            PutChunk(ref chunks, entry, chunk.First, chunk.Count, checked((int)shrunk));
            shrunk += (long)LoraKernels.MaxParts * chunk.Count * entry.MaxRank;
            entryChunks.Slice(chunk.First, chunk.Count).Fill(i);
        }

        while (!chunks.IsEmpty)
        {
            PutChunk(ref chunks, new DirectoryEntry(AdapterDirectories.Nobody, 0, -1), 0, 0, 0);
        }

        ShrunkLength = shrunk;
        PutBlocks(list, extents);
    }

    private static void PutChunk(ref Span<int> chunks, DirectoryEntry entry, int first, int count, int shrunk)
    {
        chunks[0] = entry.Record;
        chunks[1] = first;
        chunks[2] = count;
        chunks[3] = shrunk;
        chunks[4] = entry.MaxRank;
        chunks[5] = entry.Changes;
        chunks = chunks[LoraKernels.ChunkInts..];
    }

    /// <summary>
    /// Blocks of both kernels: as many as each chunk's own rank and entries take. Those that there is room for besides are of the first
    /// chunk behind, which is nobody's.
    /// </summary>
    private void PutBlocks(WorkList list, in StepExtents extents)
    {
        if (_firstExpandBlocks.Length <= list.Chunks.Length)
        {
            _firstExpandBlocks = new int[2 * list.Chunks.Length];
        }

        Span<int> blocks = Take(extents.ShrinkBlocks * LoraKernels.BlockInts, out _blocks);
        Span<int> expandBlocks = Take(extents.ExpandBlocks * LoraKernels.ExpandBlockInts, out _expandBlocks);
        int expand = 0;
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            int ranks = _directories.Of(list.Chunks[i].Adapter).RankBlocks * LoraKernels.GroupRanks;
            for (int entry = 0; entry < list.Chunks[i].Count; entry += LoraKernels.BlockEntries)
            {
                for (int rank = 0; rank < ranks; rank += LoraKernels.GroupRanks)
                {
                    (blocks[0], blocks[1], blocks[2]) = (i, rank, entry);
                    blocks = blocks[LoraKernels.BlockInts..];
                }
            }

            _firstExpandBlocks[i] = expand;
            for (int entry = 0; entry < list.Chunks[i].Count; entry += LoraKernels.ExpandEntries)
            {
                (expandBlocks[0], expandBlocks[1]) = (i, entry);
                expandBlocks = expandBlocks[LoraKernels.ExpandBlockInts..];
                expand++;
            }
        }

        // Surplus blocks are behind the last chunk's.
        _firstExpandBlocks[list.Chunks.Length] = extents.ExpandBlocks;
        for (; !blocks.IsEmpty; blocks = blocks[LoraKernels.BlockInts..])
        {
            (blocks[0], blocks[1], blocks[2]) = (list.Chunks.Length, 0, 0);
        }

        for (; !expandBlocks.IsEmpty; expandBlocks = expandBlocks[LoraKernels.ExpandBlockInts..])
        {
            (expandBlocks[0], expandBlocks[1]) = (list.Chunks.Length, 0);
        }
    }

    /// <summary>Rows of generations that have weights in the place of the base's have one generation only.</summary>
    private void PutChanges(StepPlan plan)
    {
        int rows = plan.Lora.HasChanges ? plan.RowCount : 0;
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

    private void PutAttention(StepPlan plan, in StepExtents extents)
    {
        SplitCount = extents.Splits;
        Span<int> tasks = Take((extents.Splits + extents.RowTasks) * AttentionKernels.TaskInts, out _tasks);
        Span<int> splits = tasks[..(extents.Splits * AttentionKernels.TaskInts)];
        SplitTasks.Write(
            plan, _partialPlaces, splits, tasks[splits.Length..], Take(extents.Merges * SplitTasks.MergeInts, out _merges),
            Take(extents.Walks * TensorAttentionKernels.WalkInts, out _walks));
    }

    private void PutChoices(TokenChoices choices, in StepExtents extents)
    {
        Span<int> ints = Take(extents.Choices * ChooseKernels.ChoiceInts, out _choices);
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

        ints.Fill(ChooseKernels.NoOutput);
        _seen = Put(choices.Seen, extents.Seen, 0);
        _seenCounts = Put(choices.SeenCounts, extents.Seen, 0);
        _biasTokens = Put(choices.BiasTokens, extents.Biases, 0);
        _biasValues = Put(MemoryMarshal.Cast<float, int>(choices.BiasValues), extents.Biases, 0);
    }

    /// <summary>So many ints, of which the last are alike.</summary>
    private Section Put(ReadOnlySpan<int> values, int count, int behind)
    {
        Span<int> ints = Take(count, out Section section);
        values.CopyTo(ints);
        ints[values.Length..].Fill(behind);
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

    /// <summary>Makes room for all arrays, each rounded up.</summary>
    private void Reserve(StepPlan plan, in StepExtents extents) => Reserve(
        ((7 + ConvolveKernel.SliceInts) * extents.Rows) + (plan.Groups * (extents.Rows + Block)) + extents.Outputs
        + (3 * extents.Entries) + (LoraKernels.ChunkInts * extents.Chunks) + (LoraKernels.BlockInts * extents.ShrinkBlocks)
        + (LoraKernels.ExpandBlockInts * extents.ExpandBlocks) + (AttentionKernels.TaskInts * (extents.Splits + extents.RowTasks))
        + (SplitTasks.MergeInts * extents.Merges) + (TensorAttentionKernels.WalkInts * extents.Walks)
        + (ChooseKernels.ChoiceInts * extents.Choices)
        + (2 * (extents.Seen + extents.Biases)) + plan.PageTables.Length + (24 * Block));

    /// <summary>Makes room for so many ints.</summary>
    private void Reserve(int ints)
    {
        if (ints <= _capacity)
        {
            return;
        }

        _device.Synchronize();
        int capacity = checked(2 * ints);
        var host = new HostBuffer(_device, (long)capacity * sizeof(int));
        _host.Dispose();
        _memory.Dispose();
        _host = host;
        _capacity = capacity;
        _memory = new DeviceArena(_device, (long)capacity * sizeof(int), "the plan of a step");
    }
}
