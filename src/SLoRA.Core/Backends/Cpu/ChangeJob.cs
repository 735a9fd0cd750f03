using System.Runtime.Intrinsics;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What generations do to a module besides adding B A, see <see cref="ModuleChange"/>: before deltas it brings the outputs of rows of the
/// weight that they have in the place of the base's to where they belong, behind them it is <c>y = f ∘ y + weight · o</c>. Threads share
/// out the columns of the output and go through the work list in its order.
/// </summary>
internal sealed unsafe class ChangeJob(int workers) : ComputeJob
{
    private const int SpanColumns = 256;
    private const int PartsPerWorker = 4;

    private ChangeWork _work = null!;
    private CpuRows _y = null!;
    private CpuPageMemory _pages = null!;
    private int _spans;
    private int _parts;
    private bool _takesRows;

    /// <summary>Sets the next outputs of own rows and says in how many parts they come.</summary>
    public int PrepareRows(ChangeWork work, CpuRows y, CpuPageMemory pages) => Prepare(work, y, pages, takesRows: true, work.HasRows);

    /// <summary>Sets the next factors and offsets and says in how many parts they come.</summary>
    public int PrepareSums(ChangeWork work, CpuRows y, CpuPageMemory pages) => Prepare(work, y, pages, takesRows: false, work.HasSums);

    private int Prepare(ChangeWork work, CpuRows y, CpuPageMemory pages, bool takesRows, bool hasAny)
    {
        _takesRows = takesRows;
        _work = work;
        _y = y;
        _pages = pages;
        _spans = (y.Width + SpanColumns - 1) / SpanColumns;
        _parts = hasAny ? Math.Min(_spans, workers * PartsPerWorker) : 0;
        return _parts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(_spans, part, _parts);
        foreach (ref readonly ChangeItem item in _work.Items)
        {
            int from = Math.Max(0, (first * SpanColumns) - item.FirstColumn);
            int to = Math.Min(item.Width, Math.Min(_y.Width, end * SpanColumns) - item.FirstColumn);
            if (from >= to)
            {
                continue;
            }

            if (_takesRows)
            {
                Take(item, from, to);
                continue;
            }

            if (item.Change.Factor is { } factor)
            {
                Multiply(item, factor, from, to);
            }

            if (item.Change.Offset is { } offset)
            {
                Add(item, offset, from, to);
            }
        }
    }

    /// <summary>What the generation's own rows give, in the place of what the base's do.</summary>
    private void Take(in ChangeItem item, int from, int to)
    {
        if (_work.IsEmbedding)
        {
            TakeEntries(item, from, to);
        }
        else if (item.Product >= 0)
        {
            TakeOutputs(item, from, to);
        }
    }

    /// <summary>Columns of the entries of a table that the generation has.</summary>
    private void TakeEntries(in ChangeItem item, int from, int to)
    {
        if (item.Change.Rows is not { } table)
        {
            return;
        }

        WeightFormat format = WeightFormat.Of(table.Type)!;
        int size = table.Type.ElementSize();
        foreach (int row in _work.Entries.Rows.Slice(item.FirstEntry, item.Count))
        {
            int entry = item.Change.RowOf(_work.EntryOf(row));
            if (entry < 0)
            {
                continue;
            }

            TileBand band = TileBand.Containing(table.Tiles.AsSpan(), entry);
            for (int i = band.FirstTile; i < band.EndTile; i++)
            {
                Tile tile = table.Tiles[i];
                int first = Math.Max(from, tile.FirstColumn);
                int columns = Math.Min(to, tile.FirstColumn + tile.Columns) - first;
                if (columns > 0)
                {
                    nint element = ((nint)(entry - tile.FirstRow) * tile.Columns) + first - tile.FirstColumn;
                    byte* source = Address(item, tile) + (element * size);
                    format.Widen(
                        new ReadOnlySpan<byte>(source, columns * size), new Span<float>(_y.Row(row) + item.FirstColumn + first, columns));
                }
            }
        }
    }

    /// <summary>Outputs that were computed side by side, to their columns.</summary>
    private void TakeOutputs(in ChangeItem item, int from, int to)
    {
        int count = item.Change.Rows!.Rows;
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(item.FirstEntry, item.Count);
        float* outputs = _work.Outputs(item);
        for (int e = 0; e < rows.Length; e++, outputs += count)
        {
            float* y = _y.Row(rows[e]) + item.FirstColumn;
            if (item.Change.Ids.IsEmpty)
            {
                new ReadOnlySpan<float>(outputs + item.FirstOutput + from, to - from).CopyTo(new Span<float>(y + from, to - from));
                continue;
            }

            ReadOnlySpan<int> ids = item.Change.Ids.AsSpan();
            for (int n = 0; n < ids.Length; n++)
            {
                if (ids[n] >= from && ids[n] < to)
                {
                    y[ids[n]] = outputs[n];
                }
            }
        }
    }

    private void Multiply(in ChangeItem item, MatrixTiles factor, int from, int to)
    {
        foreach (Tile tile in factor.Tiles)
        {
            int first = Math.Max(from, tile.FirstColumn);
            int end = Math.Min(to, tile.FirstColumn + tile.Columns);
            float* f = (float*)Address(item, tile) - tile.FirstColumn;
            foreach (int row in _work.Entries.Rows.Slice(item.FirstEntry, item.Count))
            {
                float* y = _y.Row(row) + item.FirstColumn;
                int c = first;
                for (; c + Lanes.Count <= end; c += Lanes.Count)
                {
                    (Vector512.Load(y + c) * Vector512.Load(f + c)).Store(y + c);
                }

                for (; c < end; c++)
                {
                    y[c] *= f[c];
                }
            }
        }
    }

    private void Add(in ChangeItem item, MatrixTiles offset, int from, int to)
    {
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(item.FirstEntry, item.Count);
        ReadOnlySpan<float> weights = _work.Entries.Weights.Slice(item.FirstEntry, item.Count);
        foreach (Tile tile in offset.Tiles)
        {
            int first = Math.Max(from, tile.FirstColumn);
            int end = Math.Min(to, tile.FirstColumn + tile.Columns);
            float* o = (float*)Address(item, tile) - tile.FirstColumn;
            for (int e = 0; e < rows.Length; e++)
            {
                float* y = _y.Row(rows[e]) + item.FirstColumn;
                int c = first;
                for (; c + Lanes.Count <= end; c += Lanes.Count)
                {
                    (Vector512.Load(y + c) + (Vector512.Load(o + c) * weights[e])).Store(y + c);
                }

                for (; c < end; c++)
                {
                    y[c] += weights[e] * o[c];
                }
            }
        }
    }

    private byte* Address(in ChangeItem item, in Tile tile) => _pages.Address(item.Adapter.Pages[tile.Page]) + tile.Offset;
}
