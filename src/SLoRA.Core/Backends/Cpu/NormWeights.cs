using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What rows have of one norm by their generations: weights in the place of the base's, and what is added to the results.
/// </summary>
/// <param name="shard">Which of several shards this is; null on one device.</param>
internal sealed unsafe class NormWeights(int? shard) : IDisposable
{
    private AlignedMemory _memory = new(0);
    private int[] _chunkOfRow = [];
    private int _stride;

    /// <summary>Takes them out of the pages.</summary>
    /// <param name="work">The work list that the entries came from.</param>
    /// <param name="entries">The entries of the row set.</param>
    /// <param name="weight">The base's.</param>
    /// <param name="rowCount">Rows of the set.</param>
    /// <param name="pages">The pages.</param>
    public NormWeights Gather(WorkList work, LoraEntries entries, CpuVector weight, int rowCount, CpuPageMemory pages)
    {
        ReadOnlySpan<WorkChunk> chunks = work.Chunks;
        _stride = (weight.Length + Lanes.Count - 1) / Lanes.Count * Lanes.Count;
        Reserve(rowCount, (long)chunks.Length * 2 * _stride * sizeof(float));
        _chunkOfRow.AsSpan(0, rowCount).Fill(-1);
        for (int c = 0; c < chunks.Length; c++)
        {
            ResidentAdapter adapter = chunks[c].Adapter.OnShard(shard);
            if (entries.EntryCount(c) == 0 || adapter.Directory.ChangeOf(weight.Target) is not { } own)
            {
                continue;
            }

            new ReadOnlySpan<float>(weight.Data, weight.Length).CopyTo(new Span<float>(Weight(c), weight.Length));
            new Span<float>(Offset(c), weight.Length).Clear();
            Copy(own.Rows, adapter, pages, Weight(c));
            Copy(own.Offset, adapter, pages, Offset(c));
            foreach (int row in entries.Rows.Slice(entries.FirstEntry(c), entries.EntryCount(c)))
            {
                _chunkOfRow[row] = c;
            }
        }

        return this;
    }

    /// <summary>The weight of a row; the base's where it has no other.</summary>
    public float* Of(int row, float* other) => _chunkOfRow[row] < 0 ? other : Weight(_chunkOfRow[row]);

    /// <summary>What is added to a row; null for nothing.</summary>
    public float* OffsetOf(int row) => _chunkOfRow[row] < 0 ? null : Offset(_chunkOfRow[row]);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private static void Copy(MatrixTiles? vector, ResidentAdapter adapter, CpuPageMemory pages, float* destination)
    {
        foreach (Tile tile in vector is null ? [] : vector.Tiles)
        {
            byte* source = pages.Address(adapter.Pages[tile.Page]) + tile.Offset;
            new ReadOnlySpan<float>(source, tile.Columns).CopyTo(new Span<float>(destination + tile.FirstColumn, tile.Columns));
        }
    }

    private float* Weight(int chunk) => _memory.Floats + ((nint)chunk * 2 * _stride);

    private float* Offset(int chunk) => Weight(chunk) + _stride;

    private void Reserve(int rows, long bytes)
    {
        if (_chunkOfRow.Length < rows)
        {
            _chunkOfRow = new int[Math.Max(rows, 2 * _chunkOfRow.Length)];
        }

        if (_memory.Bytes < bytes)
        {
            long grown = Math.Max(bytes, 2 * _memory.Bytes);
            _memory.Dispose();
            _memory = new AlignedMemory(grown);
        }
    }
}
