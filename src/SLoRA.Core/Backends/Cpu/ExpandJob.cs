using System.Runtime.Intrinsics;
using SLoRA.Adapters;
using SLoRA.Engine;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[row(e), c] += (weight(e) · scale) · Σ_r v[e, r] B[r, c]</c> for every product of a <see cref="LoraWork"/> in order. Threads share out the
/// columns of the output, so a row's deltas are added in the order of the work list. The sum runs over r = 0, 1, 2, … from zero by fused
/// multiply-add; the scaled sum is multiplied, then added.
/// </summary>
internal sealed unsafe class ExpandJob : ComputeJob
{
    /// <summary>Columns whose deltas a thread keeps in scratch memory.</summary>
    private const int SpanColumns = 128;

    private const int PartsPerWorker = 4;

    private readonly AlignedMemory _scratch;
    private readonly int _workers;
    private LoraWork _work = null!;
    private CpuRows _y = null!;
    private CpuPageMemory _pages = null!;
    private int _spans;
    private int _parts;

    /// <summary>Makes the job.</summary>
    /// <param name="workers">Threads that run it.</param>
    /// <param name="scratch">Scratch of at least <see cref="BytesFor"/> bytes.</param>
    public ExpandJob(int workers, AlignedMemory scratch)
    {
        _workers = workers;
        _scratch = scratch;
    }

    /// <summary>Scratch bytes: the deltas of a chunk, per thread.</summary>
    public static long BytesFor(int workers) => (long)workers * ScratchFloats * sizeof(float);

    private static int ScratchFloats => WorkList.ChunkLimit * SpanColumns;

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
        float* scratch = _scratch.Floats + (worker * ScratchFloats);
        foreach (ref readonly LoraProduct product in _work.Products)
        {
            for (int span = first; span < end; span++)
            {
                // Spans are cut on the output's columns; the module's own begin anywhere.
                int from = Math.Max(0, (span * SpanColumns) - product.FirstColumn);
                int to = Math.Min(product.Tiles.B.Columns, ((span + 1) * SpanColumns) - product.FirstColumn);
                if (from >= to)
                {
                    continue;
                }

                switch (product.Tiles.B.Type)
                {
                    case TensorType.F32:
                        Expand<F32Elements>(product, from, to, scratch);
                        break;
                    case TensorType.F16:
                        Expand<F16Elements>(product, from, to, scratch);
                        break;
                    default:
                        Expand<Bf16Elements>(product, from, to, scratch);
                        break;
                }
            }
        }
    }

    private void Expand<T>(in LoraProduct product, int from, int to, float* deltas)
        where T : struct, IElements
    {
        int rank = product.Tiles.Rank;
        float* v = _work.Shrunk + product.Shrunk;
        new Span<float>(deltas, product.Count * SpanColumns).Clear();
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
            TileProduct.Add<T>(v + tile.FirstRow, rank, b, (nint)tile.Columns * T.Size, sums, SpanColumns, product.Count, whole, tile.Rows);
            if (whole < columns)
            {
                AddTail<T>(v + tile.FirstRow, rank, b + (whole * T.Size), tile, columns - whole, product.Count, sums + whole);
            }
        }

        AddDeltas(product, from, to - from, deltas);
    }

    /// <summary>The last columns of a tile, fewer than 16, column by column.</summary>
    private static void AddTail<T>(float* v, int rank, byte* b, Tile tile, int columns, int count, float* sums)
        where T : struct, IElements
    {
        for (int e = 0; e < count; e++)
        {
            for (int c = 0; c < columns; c++)
            {
                float sum = sums[(e * SpanColumns) + c];
                for (int r = 0; r < tile.Rows; r++)
                {
                    sum = MathF.FusedMultiplyAdd(T.Load(b + ((((nint)r * tile.Columns) + c) * T.Size)), v[((nint)e * rank) + r], sum);
                }

                sums[(e * SpanColumns) + c] = sum;
            }
        }
    }

    private void AddDeltas(in LoraProduct product, int from, int columns, float* deltas)
    {
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(product.FirstEntry, product.Count);
        ReadOnlySpan<float> weights = _work.Entries.Weights.Slice(product.FirstEntry, product.Count);
        for (int e = 0; e < rows.Length; e++)
        {
            float scale = weights[e] * product.Tiles.Scale;
            float* y = _y.Row(rows[e]) + product.FirstColumn + from;
            float* delta = deltas + (e * SpanColumns);
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
