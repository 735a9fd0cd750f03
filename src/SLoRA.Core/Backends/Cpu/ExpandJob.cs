using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[row(e), c] += (weight(e) · scale) · Σ_r v[e, r] B[r, c]</c> for every product of a <see cref="LoraWork"/> in order. Threads share
/// out the columns of the output, so a row's deltas are added in the order of the work list. The sum runs over r = 0, 1, 2, … from zero by
/// fused multiply-add; the scaled sum is multiplied, then added. <see cref="ProductJob"/> adds the deltas of its columns as soon as it has
/// them; behind an embedding it is a job of its own.
/// </summary>
internal sealed unsafe class ExpandJob : ComputeJob
{
    /// <summary>Columns whose deltas a thread keeps in scratch memory: of a chunk with many entries, and of one with few.</summary>
    private const int SpanColumns = 64;

    private const int LongSpanColumns = 1024;
    private const int FewEntries = WorkList.ChunkLimit * SpanColumns / LongSpanColumns;

    private const int PartsPerWorker = 4;

    // Elements that are widened at a time: they stay in the first cache until all entries have passed.
    private const int WidenedFloats = 4096;
    private const int WidenedRows = WidenedFloats / SpanColumns;

    private readonly AlignedMemory _scratch;
    private readonly HalfWidening? _halves;
    private readonly int _workers;
    private LoraWork _work = null!;
    private CpuRows _y = null!;
    private CpuPageMemory _pages = null!;
    private int _spans;
    private int _parts;

    /// <summary>Makes the job.</summary>
    /// <param name="workers">Threads that run it.</param>
    /// <param name="scratch">Scratch of at least <see cref="BytesFor"/> bytes.</param>
    /// <param name="halves">Machine code that widens half precision; null for the kernels in C#.</param>
    public ExpandJob(int workers, AlignedMemory scratch, HalfWidening? halves)
    {
        _workers = workers;
        _scratch = scratch;
        _halves = halves;
    }

    /// <summary>Scratch bytes: the deltas of a chunk and widened elements, per thread.</summary>
    public static long BytesFor(int workers) => (long)workers * ScratchFloats * sizeof(float);

    private static int DeltaFloats => WorkList.ChunkLimit * SpanColumns;

    private static int ScratchFloats => DeltaFloats + WidenedFloats;

    /// <summary>Sets the next expand and says in how many parts it comes.</summary>
    public int Prepare(LoraWork work, CpuRows y, CpuPageMemory pages)
    {
        _work = work;
        _y = y;
        _pages = pages;
        _spans = (y.Width + SpanColumns - 1) / SpanColumns;
        _parts = Math.Min(_spans, _workers * PartsPerWorker);
        return _parts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(_spans, part, _parts);
        AddColumns(first * SpanColumns, Math.Min(_y.Width, end * SpanColumns), worker);
    }

    /// <summary>Adds the deltas of some columns of the output.</summary>
    public void AddColumns(int firstColumn, int endColumn, int worker)
    {
        ReadOnlySpan<LoraProduct> products = _work.Products;
        Fetch(products[0], firstColumn, endColumn, 0);
        for (int i = 0; i < products.Length; i++)
        {
            ref readonly LoraProduct product = ref products[i];
            nint ahead = 0;
            if (i + 1 < products.Length)
            {
                // What lies alike is asked for row by row while this product sums, the rest at once.
                int alike = RowsAlike(product, products[i + 1]);
                ahead = alike > 0 ? (nint)(Address(products[i + 1]) - Address(product)) : 0;
                Fetch(products[i + 1], firstColumn, endColumn, alike);
            }

            int from = Math.Max(0, firstColumn - product.FirstColumn);
            int to = Math.Min(product.Tiles.B.Columns, endColumn - product.FirstColumn);
            int stride = product.Count > FewEntries ? SpanColumns : LongSpanColumns;
            for (; from < to; from += stride)
            {
                Expand(product, from, Math.Min(to, from + stride), stride, _scratch.Floats + (worker * ScratchFloats), ahead);
            }
        }
    }

    /// <summary>
    /// The first rank rows of two products that have the same columns of the output in rows equally far apart, each in one piece.
    /// </summary>
    private static int RowsAlike(in LoraProduct one, in LoraProduct other)
    {
        ReadOnlySpan<Tile> tiles = one.Tiles.B.Tiles.AsSpan();
        ReadOnlySpan<Tile> others = other.Tiles.B.Tiles.AsSpan();
        return one.Count == 1 && one.FirstColumn == other.FirstColumn && tiles.Length == 1 && others.Length == 1
            && tiles[0].Columns == others[0].Columns && one.Tiles.B.Type == other.Tiles.B.Type
            ? Math.Min(tiles[0].Rows, others[0].Rows)
            : 0;
    }

    private byte* Address(in LoraProduct product)
    {
        Tile tile = product.Tiles.B.Tiles[0];
        return _pages.Address(product.Adapter.Pages[tile.Page]) + tile.Offset;
    }

    /// <summary>
    /// Asks for the weights of the next product while this one computes, from a rank row on: they are runs of some hundred bytes, a rank
    /// row apart, too short for the machine to foresee. The second cache takes them, as rows a multiple of 4 KiB apart do not fit the first
    /// side by side.
    /// </summary>
    private void Fetch(in LoraProduct product, int firstColumn, int endColumn, int firstRow)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        int size = product.Tiles.B.Type.ElementSize();
        foreach (Tile tile in product.Tiles.B.Tiles)
        {
            int first = Math.Max(firstColumn - product.FirstColumn, tile.FirstColumn);
            int end = Math.Min(endColumn - product.FirstColumn, tile.FirstColumn + tile.Columns);
            if (first >= end)
            {
                continue;
            }

            nint stride = (nint)tile.Columns * size;
            byte* row = _pages.Address(product.Adapter.Pages[tile.Page]) + tile.Offset + ((nint)(first - tile.FirstColumn) * size)
                + (firstRow * stride);
            nint bytes = (nint)(end - first) * size;
            for (int r = firstRow; r < tile.Rows; r++, row += stride)
            {
                for (nint at = 0; at < bytes; at += AlignedMemory.Alignment)
                {
                    Sse.Prefetch1(row + at);
                }
            }
        }
    }

    private void Expand(in LoraProduct product, int from, int to, int stride, float* deltas, nint ahead)
    {
        switch (product.Tiles.B.Type)
        {
            case TensorType.F32:
                Expand<F32Elements>(product, from, to, stride, deltas, ahead);
                break;
            case TensorType.F16:
                Expand<F16Elements>(product, from, to, stride, deltas, ahead);
                break;
            case TensorType.BF16:
                Expand<Bf16Elements>(product, from, to, stride, deltas, ahead);
                break;
            default:
                throw UnservedType.Error(product.Tiles.B.Type);
        }
    }

    private void Expand<T>(in LoraProduct product, int from, int to, int stride, float* deltas, nint ahead)
        where T : struct, IElements
    {
        int rank = product.Tiles.Rank;
        float* v = _work.Shrunk + product.Shrunk;
        new Span<float>(deltas, product.Count * stride).Clear();
        foreach (Tile tile in product.Tiles.B.Tiles)
        {
            int first = Math.Max(from, tile.FirstColumn);
            int columns = Math.Min(to, tile.FirstColumn + tile.Columns) - first;
            if (columns <= 0)
            {
                continue;
            }

            byte* b = _pages.Address(product.Adapter.Pages[tile.Page]) + tile.Offset + ((nint)(first - tile.FirstColumn) * T.Size);
            float* sums = deltas + (first - from);
            int whole = columns & -Lanes.Count;
            if (typeof(T) == typeof(F16Elements) && _halves is not null)
            {
                AddWidened(v + tile.FirstRow, rank, b, tile, sums, stride, product.Count, whole, deltas + DeltaFloats, ahead);
            }
            else
            {
                Add<T>(v + tile.FirstRow, rank, b, (nint)tile.Columns * T.Size, sums, stride, product.Count, whole, tile.Rows, ahead);
            }

            if (whole < columns)
            {
                AddTail<T>(v + tile.FirstRow, rank, b + (whole * T.Size), tile, columns - whole, product.Count, sums + whole, stride);
            }
        }

        AddDeltas(product, from, to - from, stride, deltas);
    }

    /// <summary>Adds rank rows, of whole lanes of columns, to the sums of all entries.</summary>
    private static void Add<T>(
        float* v, int rank, byte* b, nint rowBytes, float* sums, int stride, int count, int columns, int rows, nint ahead)
        where T : struct, IElements
    {
        if (count == 1)
        {
            RankRowSum.Add<T>(v, b, rowBytes, sums, columns, rows, ahead);
        }
        else
        {
            TileProduct.Add<T>(v, rank, b, rowBytes, sums, stride, count, columns, rows);
        }
    }

    /// <summary>The same of half precision that machine code widens, as many columns at a time as have room.</summary>
    private void AddWidened(
        float* v, int rank, byte* b, in Tile tile, float* sums, int stride, int count, int columns, float* widened, nint ahead)
    {
        nint rowBytes = (nint)tile.Columns * F16Elements.Size;
        int rows = Math.Min(tile.Rows, WidenedRows);
        int width = (WidenedFloats / rows) & -Lanes.Count;
        for (int row = 0; row < tile.Rows; row += rows)
        {
            int someRows = Math.Min(rows, tile.Rows - row);
            for (int column = 0; column < columns; column += width)
            {
                int some = Math.Min(width, columns - column);
                _halves!.Widen(new HalfWideningArguments
                {
                    Source = b + (row * rowBytes) + ((nint)column * F16Elements.Size),
                    SourceStep = rowBytes,
                    Result = widened,
                    ResultStep = some * sizeof(float),
                    Columns = some,
                    Rows = someRows,
                    Far = ahead,
                });
                Add<WidenedElements>(
                    v + row, rank, (byte*)widened, some * sizeof(float), sums + column, stride, count, some, someRows, ahead: 0);
            }
        }
    }

    /// <summary>The last columns of a tile, fewer than 16, column by column.</summary>
    private static void AddTail<T>(float* v, int rank, byte* b, Tile tile, int columns, int count, float* sums, int stride)
        where T : struct, IElements
    {
        for (int e = 0; e < count; e++)
        {
            for (int c = 0; c < columns; c++)
            {
                float sum = sums[(e * stride) + c];
                for (int r = 0; r < tile.Rows; r++)
                {
                    sum = MultiplyAdd.Of(T.Load(b + ((((nint)r * tile.Columns) + c) * T.Size)), v[((nint)e * rank) + r], sum);
                }

                sums[(e * stride) + c] = sum;
            }
        }
    }

    private void AddDeltas(in LoraProduct product, int from, int columns, int stride, float* deltas)
    {
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(product.FirstEntry, product.Count);
        ReadOnlySpan<float> weights = _work.Entries.Weights.Slice(product.FirstEntry, product.Count);
        for (int e = 0; e < rows.Length; e++)
        {
            float scale = weights[e] * product.Tiles.Scale;
            float* y = _y.Row(rows[e]) + product.FirstColumn + from;
            float* delta = deltas + (e * stride);
            int c = 0;
            for (; c + Lanes.Count <= columns; c += Lanes.Count)
            {
                (Vector512.Load(y + c) + (Vector512.Load(delta + c) * scale)).Store(y + c);
            }

            for (; c < columns; c++)
            {
                y[c] += scale * delta[c];
            }
        }
    }
}
