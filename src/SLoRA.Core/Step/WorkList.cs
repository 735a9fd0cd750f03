namespace SLoRA.Step;

/// <summary>One row of the step under one adapter of its request.</summary>
/// <param name="Row">The row of the step.</param>
/// <param name="Weight">The request's weight for the adapter; the module's own scale comes on top.</param>
internal readonly record struct WorkEntry(int Row, float Weight);

/// <summary>Consecutive entries of one generation.</summary>
/// <param name="Adapter">The generation's tiles.</param>
/// <param name="First">First entry.</param>
/// <param name="Count">Entries, at least 1.</param>
internal readonly record struct WorkChunk(ResidentAdapter Adapter, int First, int Count);

/// <summary>
/// The LoRA work of a step: entries sorted by (place of the adapter in its request, generation) and cut into chunks. Kernels add the deltas
/// of the chunks in order, so a row's deltas are added in its request's own adapter order, whatever else is in the step. A chunk holds at
/// most one entry of a row. Rows of the base have no entry.
/// </summary>
internal sealed class WorkList
{
    /// <summary>The most entries of one chunk.</summary>
    public const int ChunkLimit = 64;

    private WorkEntry[] _entries = new WorkEntry[64];
    private WorkChunk[] _chunks = new WorkChunk[16];
    private int[] _placeStarts = new int[4];
    private int _entryCount;
    private int _chunkCount;
    private int _placeCount;

    /// <summary>All entries.</summary>
    public ReadOnlySpan<WorkEntry> Entries => _entries.AsSpan(0, _entryCount);

    /// <summary>The chunks, in the order in which deltas are added.</summary>
    public ReadOnlySpan<WorkChunk> Chunks => _chunks.AsSpan(0, _chunkCount);

    /// <summary>The first chunk of each place. Within a place no row has two entries.</summary>
    public ReadOnlySpan<int> PlaceStarts => _placeStarts.AsSpan(0, _placeCount);

    /// <summary>Whether one of its generations is more than B A.</summary>
    public bool HasChanges { get; private set; }

    /// <summary>Whether one of its generations changes a module by more than B A.</summary>
    public bool Changes(int target)
    {
        if (HasChanges)
        {
            foreach (WorkChunk chunk in Chunks)
            {
                if (chunk.Adapter.Directory.ChangeOf(target) is not null)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// In how many passes deltas and what is done besides are added. Usually one: all deltas, then all else. Where generations of the step
    /// are more than B A and a request has several, one for each place: what the first does is done before others add to it.
    /// </summary>
    public int Passes => HasChanges ? _placeCount : 1;

    /// <summary>The places of a pass: from the first to before the end.</summary>
    public (int First, int End) PlacesOf(int pass) => Passes == 1 ? (0, _placeCount) : (pass, pass + 1);

    /// <summary>The chunks of a pass: from the first to before the end.</summary>
    public (int First, int End) ChunksOf(int pass) => Passes == 1 ? (0, _chunkCount) : ChunksOfPlace(pass);

    /// <summary>The chunks of a place, of which no two have the same row: from the first to before the end.</summary>
    public (int First, int End) ChunksOfPlace(int place) =>
        (_placeStarts[place], place + 1 < _placeCount ? _placeStarts[place + 1] : _chunkCount);

    /// <summary>Forgets all entries and keeps the memory.</summary>
    public void Clear()
    {
        HasChanges = false;
        _entryCount = 0;
        _chunks.AsSpan(0, _chunkCount).Clear();
        _chunkCount = 0;
        _placeCount = 0;
    }

    /// <summary>Appends consecutive rows under one generation. Callers append in (place, generation) order.</summary>
    public void Add(ResidentAdapter adapter, int firstRow, int rowCount, float weight, bool startsPlace)
    {
        HasChanges |= adapter.Directory.HasChanges;
        if (startsPlace || _placeCount == 0)
        {
            Grow(ref _placeStarts, _placeCount);
            _placeStarts[_placeCount++] = _chunkCount;
        }

        for (int i = 0; i < rowCount; i++)
        {
            bool open = _chunkCount > 0 && !startsPlace && ReferenceEquals(_chunks[_chunkCount - 1].Adapter, adapter)
                && _chunks[_chunkCount - 1].Count < ChunkLimit;
            if (open)
            {
                ref WorkChunk last = ref _chunks[_chunkCount - 1];
                last = last with { Count = last.Count + 1 };
            }
            else
            {
                Grow(ref _chunks, _chunkCount);
                _chunks[_chunkCount++] = new WorkChunk(adapter, _entryCount, 1);
                startsPlace = false;
            }

            Grow(ref _entries, _entryCount);
            _entries[_entryCount++] = new WorkEntry(firstRow + i, weight);
        }
    }

    private static void Grow<T>(ref T[] items, int count)
    {
        if (count == items.Length)
        {
            Array.Resize(ref items, 2 * items.Length);
        }
    }
}
