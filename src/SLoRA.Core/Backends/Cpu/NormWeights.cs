using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>The weights of one norm that generations have in the place of the base's, by row.</summary>
/// <param name="shard">Which of several shards this is; null on one device.</param>
internal sealed unsafe class NormWeights(int? shard) : IDisposable
{
    private AlignedMemory _memory = new(0);
    private int[] _weightOfRow = [];
    private int _stride;

    /// <summary>Takes them out of the pages.</summary>
    /// <param name="work">The work list that the entries came from.</param>
    /// <param name="entries">The entries of the row set.</param>
    /// <param name="weight">The base's.</param>
    /// <param name="rowCount">Rows of the set.</param>
    /// <param name="pages">The pages.</param>
    public NormWeights Gather(WorkList work, LoraEntries entries, DeviceVector weight, int rowCount, CpuPageMemory pages)
    {
        ReadOnlySpan<WorkChunk> chunks = work.Chunks;
        _stride = (weight.Length + Lanes.Count - 1) / Lanes.Count * Lanes.Count;
        Reserve(rowCount, (long)chunks.Length * _stride * sizeof(float));
        _weightOfRow.AsSpan(0, rowCount).Fill(-1);
        for (int c = 0; c < chunks.Length; c++)
        {
            ResidentAdapter adapter = chunks[c].Adapter.OnShard(shard);
            if (entries.EntryCount(c) == 0 || adapter.Directory.ChangeOf(weight.Target)?.Rows is not { } own)
            {
                continue;
            }

            foreach (Tile tile in own.Tiles)
            {
                byte* source = pages.Address(adapter.Pages[tile.Page]) + tile.Offset;
                new ReadOnlySpan<float>(source, tile.Columns).CopyTo(new Span<float>(Weight(c) + tile.FirstColumn, tile.Columns));
            }

            foreach (int row in entries.Rows.Slice(entries.FirstEntry(c), entries.EntryCount(c)))
            {
                _weightOfRow[row] = c;
            }
        }

        return this;
    }

    /// <summary>The weight of a row; the base's where it has no other.</summary>
    public float* Of(int row, float* other) => _weightOfRow[row] < 0 ? other : Weight(_weightOfRow[row]);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private float* Weight(int chunk) => _memory.Floats + ((nint)chunk * _stride);

    private void Reserve(int rows, long bytes)
    {
        if (_weightOfRow.Length < rows)
        {
            _weightOfRow = new int[Math.Max(rows, 2 * _weightOfRow.Length)];
        }

        if (_memory.Bytes < bytes)
        {
            long grown = Math.Max(bytes, 2 * _memory.Bytes);
            _memory.Dispose();
            _memory = new AlignedMemory(grown);
        }
    }
}
