using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The work list seen from one <see cref="RowSet"/>: entries whose row is in the set, by their row in the set. Entry e of chunk c is at
/// <c>FirstEntry(c) + e</c>. Filled once per step.
/// </summary>
internal sealed class LoraEntries
{
    private int[] _rows = new int[64];
    private float[] _weights = new float[64];
    private int[] _firsts = new int[17];

    /// <summary>Chunks, as many as the work list has; a chunk may have no entry left.</summary>
    public int ChunkCount { get; private set; }

    /// <summary>All entries.</summary>
    public int Count => _firsts[ChunkCount];

    /// <summary>Row in the set per entry.</summary>
    public ReadOnlySpan<int> Rows => _rows.AsSpan(0, Count);

    /// <summary>The request's weight per entry.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>Takes over the entries of a work list.</summary>
    /// <param name="work">The work list.</param>
    /// <param name="rowOfStepRow">Row in the set per row of the step, −1 for none; empty if the set is the step.</param>
    public void Fill(WorkList work, ReadOnlySpan<int> rowOfStepRow)
    {
        ReadOnlySpan<WorkChunk> chunks = work.Chunks;
        ReadOnlySpan<WorkEntry> entries = work.Entries;
        Grow(ref _rows, entries.Length);
        Grow(ref _weights, entries.Length);
        Grow(ref _firsts, chunks.Length + 1);
        int count = 0;
        for (int c = 0; c < chunks.Length; c++)
        {
            _firsts[c] = count;
            foreach (WorkEntry entry in entries.Slice(chunks[c].First, chunks[c].Count))
            {
                int row = rowOfStepRow.IsEmpty ? entry.Row : rowOfStepRow[entry.Row];
                if (row >= 0)
                {
                    _rows[count] = row;
                    _weights[count] = entry.Weight;
                    count++;
                }
            }
        }

        _firsts[chunks.Length] = count;
        ChunkCount = chunks.Length;
    }

    /// <summary>Starts over with room for so many entries that <see cref="Set"/> fills in, in no chunks.</summary>
    public void Begin(int entries)
    {
        Grow(ref _rows, entries);
        Grow(ref _weights, entries);
        ChunkCount = 0;
        _firsts[0] = 0;
    }

    /// <summary>Takes the next entries; the first of them.</summary>
    public int Take(int count)
    {
        int first = _firsts[0];
        _firsts[0] += count;
        return first;
    }

    /// <summary>Fills an entry in.</summary>
    public void Set(int entry, int row, float weight)
    {
        _rows[entry] = row;
        _weights[entry] = weight;
    }

    /// <summary>First entry of a chunk.</summary>
    public int FirstEntry(int chunk) => _firsts[chunk];

    /// <summary>Entries of a chunk.</summary>
    public int EntryCount(int chunk) => _firsts[chunk + 1] - _firsts[chunk];

    private static void Grow<T>(ref T[] items, int count)
    {
        if (items.Length < count)
        {
            items = new T[Math.Max(count, 2 * items.Length)];
        }
    }
}
