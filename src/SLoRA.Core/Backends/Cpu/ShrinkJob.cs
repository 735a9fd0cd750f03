using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>v[e, r] = Σ_k x[e, k] A[r, k]</c> for every product of a <see cref="LoraWork"/>. Threads share out rank rows, 16 at a time. Column k
/// of a leaf goes to lane k mod 16, lanes sum columns in order through all tiles of a rank row, and one fixed tree adds the lanes, another
/// the leaves of the product's inputs. The columns of a tile begin a whole number of lanes behind the start of a leaf.
/// </summary>
/// <param name="workers">Threads that run it.</param>
/// <param name="halves">Machine code that widens half precision; null for the kernels in C#.</param>
internal sealed unsafe class ShrinkJob(int workers, HalfWidening? halves) : ComputeJob, IDisposable
{
    /// <summary>Rank rows of a part: those of a tile at most.</summary>
    private const int PartRows = 16;

    /// <summary>Entries, and rank rows, whose sums are computed side by side.</summary>
    private const int Block = 4;

    private AlignedMemory _memory = new(0);
    private int _entries;
    private (int Product, int FirstRow)[] _shares = new (int, int)[64];
    private int _shareCount;
    private LoraWork _work = null!;
    private CpuRows _x = null!;
    private CpuPageMemory _pages = null!;

    /// <summary>Sets the next shrink and says in how many parts it comes.</summary>
    public int Prepare(LoraWork work, CpuRows x, CpuPageMemory pages)
    {
        _work = work;
        _x = x;
        _pages = pages;
        _shareCount = 0;
        _entries = 1;
        ReadOnlySpan<LoraProduct> products = work.Products;
        for (int i = 0; i < products.Length; i++)
        {
            _entries = Math.Max(_entries, products[i].Count);
            for (int row = 0; row < products[i].Tiles.A.Rows; row += PartRows)
            {
                if (_shareCount == _shares.Length)
                {
                    Array.Resize(ref _shares, 2 * _shares.Length);
                }

                _shares[_shareCount++] = (i, row);
            }
        }

        AlignedMemory.Grow(ref _memory, workers * (long)Floats);
        return _shareCount;
    }

    /// <summary>Frees the scratch memory.</summary>
    public void Dispose() => _memory.Dispose();

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int index, int firstRow) = _shares[part];
        LoraProduct product = _work.Products[index];
        int endRow = Math.Min(product.Tiles.A.Rows, firstRow + PartRows);
        switch (product.Tiles.A.Type)
        {
            case TensorType.F32:
                Shrink<F32Elements>(product, firstRow, endRow, part, worker);
                break;
            case TensorType.F16:
                Shrink<F16Elements>(product, firstRow, endRow, part, worker);
                break;
            case TensorType.BF16:
                Shrink<Bf16Elements>(product, firstRow, endRow, part, worker);
                break;
            default:
                throw UnservedType.Error(product.Tiles.A.Type);
        }
    }

    /// <summary>
    /// Finds rank rows of the part that a thread is likely to take next, to ask for while it sums: rows are too short for the machine to
    /// foresee them, and a part ahead is as early as memory needs. Where the two lie alike, the sums ask for them; else this does, all at
    /// once.
    /// </summary>
    /// <returns>The first of the rows, if the sums are to ask for them; else null.</returns>
    private byte* Next(int part, int row, int rows, TileBand band, in LoraProduct current)
    {
        // Parts are handed out from the last to the first.
        part -= workers;
        if (!Sse.IsSupported || part < 0)
        {
            return null;
        }

        (int index, int firstRow) = _shares[part];
        ref readonly LoraProduct product = ref _work.Products[index];
        row += firstRow;
        if (row >= product.Tiles.A.Rows)
        {
            return null;
        }

        ReadOnlySpan<Tile> tiles = product.Tiles.A.Tiles.AsSpan();
        TileBand next = TileBand.Containing(tiles, row);
        int size = product.Tiles.A.Type.ElementSize();
        if (rows <= next.EndRow - row && next.EndTile - next.FirstTile == 1 && band.EndTile - band.FirstTile == 1
            && tiles[next.FirstTile].Columns == current.Tiles.A.Tiles[band.FirstTile].Columns)
        {
            return Address(product, tiles[next.FirstTile], row, size);
        }

        for (int i = next.FirstTile; i < next.EndTile; i++)
        {
            byte* a = Address(product, tiles[i], row, size);
            nint bytes = (nint)Math.Min(rows, next.EndRow - row) * tiles[i].Columns * size;
            for (nint at = 0; at < bytes; at += AlignedMemory.Alignment)
            {
                Sse.Prefetch1(a + at);
            }
        }

        return null;
    }

    private byte* Address(in LoraProduct product, in Tile tile, int row, int size)
        => _pages.Address(product.Adapter.Pages[tile.Page]) + tile.Offset + ((nint)(row - tile.FirstRow) * tile.Columns * size);

    /// <summary>Floats that a thread needs: the lanes and sums of four rank rows, and room to widen them.</summary>
    private int Floats => (Block * _entries * (Lanes.Count + Split.LargestLeaves)) + (Block * WidenedColumns.Stride);

    private void Shrink<T>(in LoraProduct product, int firstRow, int endRow, int part, int worker)
        where T : struct, IElements
    {
        float* scratch = _memory.Floats + (worker * (nint)Floats);
        var lanes = (Vector512<float>*)scratch;
        float* sums = scratch + (Block * _entries * Lanes.Count);
        int leaves = product.Borders.Length - 1;
        for (int row = firstRow; row < endRow;)
        {
            TileBand band = TileBand.Containing(product.Tiles.A.Tiles.AsSpan(), row);
            int rankRows = Math.Min(endRow, band.EndRow) - row >= Block ? Block : 1;
            int count = product.Count * rankRows;
            var widened = new WidenedColumns(sums + (Block * _entries * Split.LargestLeaves));
            byte* next = Next(part, row - firstRow, rankRows, band, product);
            for (int leaf = 0; leaf < leaves; leaf++)
            {
                new Span<Vector512<float>>(lanes, count).Clear();
                Accumulate<T>(product, band, row, rankRows, lanes, next, product.Borders[leaf], product.Borders[leaf + 1], ref widened);
                AddLanes(lanes, count, sums + (leaf * count));
            }

            AddLeaves(sums, leaves, count);
            float* v = _work.Shrunk + product.Shrunk + product.Tiles.A.FirstRow + row;
            for (int e = 0; e < product.Count; e++)
            {
                for (int r = 0; r < rankRows; r++)
                {
                    v[((nint)e * product.Tiles.Rank) + r] = sums[(e * rankRows) + r];
                }
            }

            row += rankRows;
        }
    }

    private static void AddLanes(Vector512<float>* lanes, int count, float* sums)
    {
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Lanes.Sums(lanes + i, Math.Min(Lanes.Count, count - i), sums + i);
        }
    }

    /// <summary>Adds the sums of the leaves as a balanced tree; they are then those of leaf 0.</summary>
    private static void AddLeaves(float* sums, int leaves, int count)
    {
        for (int step = 1; step < leaves; step *= 2)
        {
            for (int leaf = 0; leaf < leaves; leaf += 2 * step)
            {
                float* left = sums + (leaf * count);
                float* right = left + (step * count);
                int i = 0;
                for (; i + Vector128<float>.Count <= count; i += Vector128<float>.Count)
                {
                    (Vector128.Load(left + i) + Vector128.Load(right + i)).Store(left + i);
                }

                for (; i < count; i++)
                {
                    left[i] += right[i];
                }
            }
        }
    }

    /// <summary>Goes through the tiles of a band in order of their columns, within one leaf.</summary>
    private void Accumulate<T>(
        in LoraProduct product, TileBand band, int row, int rankRows, Vector512<float>* lanes, byte* next, int firstColumn, int endColumn,
        ref WidenedColumns widened)
        where T : struct, IElements
    {
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(product.FirstEntry, product.Count);
        for (int i = band.FirstTile; i < band.EndTile; i++)
        {
            Tile tile = product.Tiles.A.Tiles[i];
            int first = Math.Max(firstColumn, tile.FirstColumn);
            int columns = Math.Min(endColumn, tile.FirstColumn + tile.Columns) - first;
            if (columns <= 0)
            {
                continue;
            }

            byte* a = Address(product, tile, row, T.Size);
            nint ahead = next is null ? 0 : (nint)(next - a);
            if (typeof(T) == typeof(F16Elements) && halves is not null)
            {
                AddWidened(rows, first, first + columns, tile, a, rankRows, lanes, ahead, ref widened);
            }
            else
            {
                a += (nint)(first - tile.FirstColumn) * T.Size;
                Add<T>(rows, first, a, tile.Columns, columns, rankRows, lanes, ahead);
            }
        }
    }

    /// <summary>Adds a tile to the lanes of all entries.</summary>
    private void Add<T>(
        ReadOnlySpan<int> rows, int firstColumn, byte* a, int stride, int columns, int rankRows, Vector512<float>* lanes, nint ahead)
        where T : struct, IElements
    {
        float** x = stackalloc float*[Block];
        for (int entry = 0; entry < rows.Length;)
        {
            int entries = rows.Length - entry >= Block ? Block : 1;
            for (int e = 0; e < entries; e++)
            {
                x[e] = _x.Row(rows[entry + e]);
            }

            ShrinkKernel.Add<T>(x, firstColumn, entries, a, stride, columns, rankRows, lanes + (entry * rankRows), ahead);
            entry += entries;
        }
    }

    /// <summary>Adds a tile of half precision that machine code widens, as many columns at a time as have room.</summary>
    /// <param name="rows">Rows of the activations, one per entry.</param>
    /// <param name="firstColumn">The first column to add.</param>
    /// <param name="endColumn">The end of those.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="a">Its first rank row to add.</param>
    /// <param name="rankRows">Rank rows: 1 or 4.</param>
    /// <param name="lanes">The sums.</param>
    /// <param name="ahead">Bytes from <paramref name="a"/> to rank rows that will be needed soon; 0 for none.</param>
    /// <param name="widened">What of the tile has been widened: the columns of several leaves come together.</param>
    private void AddWidened(
        ReadOnlySpan<int> rows, int firstColumn, int endColumn, in Tile tile, byte* a, int rankRows, Vector512<float>* lanes, nint ahead,
        ref WidenedColumns widened)
    {
        nint rowBytes = (nint)tile.Columns * F16Elements.Size;
        while (firstColumn < endColumn)
        {
            int columns = widened.ColumnsFrom(firstColumn, endColumn);
            if (columns > 0)
            {
                Add<WidenedElements>(
                    rows, firstColumn, widened.Column(firstColumn), WidenedColumns.Stride, columns, rankRows, lanes, ahead: 0);
                firstColumn += columns;
                continue;
            }

            widened.First = firstColumn;
            widened.End = Math.Min(firstColumn + WidenedColumns.Limit, tile.FirstColumn + tile.Columns);
            halves!.Widen(new HalfWideningArguments
            {
                Source = a + ((nint)(firstColumn - tile.FirstColumn) * F16Elements.Size),
                SourceStep = rowBytes,
                Result = widened.Memory,
                ResultStep = WidenedColumns.Stride * sizeof(float),
                Columns = widened.End - firstColumn,
                Rows = rankRows,
                Near = rankRows * rowBytes,
                Far = ahead,
            });
        }
    }

    /// <summary>Columns of four rank rows that machine code has widened; the first cache keeps them for all entries.</summary>
    /// <param name="memory">Room for them.</param>
    private struct WidenedColumns(float* memory)
    {
        /// <summary>The most columns.</summary>
        public const int Limit = 1024;

        /// <summary>Floats from one rank row to the next: an odd number of cache lines, or rows would fall into the same sets.</summary>
        public const int Stride = Limit + Lanes.Count;

        public int First;
        public int End;

        public readonly float* Memory => memory;

        public readonly byte* Column(int column) => (byte*)(memory + (column - First));

        /// <summary>Columns that are there: all up to an end, or so many that the next ones begin at lane 0.</summary>
        public readonly int ColumnsFrom(int column, int end)
        {
            int columns = column < First ? 0 : Math.Min(end, End) - column;
            return column + columns == end ? columns : columns & -Lanes.Count;
        }
    }
}
