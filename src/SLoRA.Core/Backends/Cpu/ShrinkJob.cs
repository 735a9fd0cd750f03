using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>v[e, r] = Σ_k x[e, k] A[r, k]</c> for every product of a <see cref="LoraWork"/>. Threads share out rank rows, 16 at a time. Column k
/// of a leaf goes to lane k mod 16, lanes sum columns in order through all tiles of a rank row, and one fixed tree adds the lanes, another
/// the leaves of the product's inputs. The columns of a tile begin a whole number of lanes behind the start of a leaf.
/// </summary>
internal sealed unsafe class ShrinkJob(int workers) : ComputeJob
{
    /// <summary>Rank rows of a part: those of a tile at most.</summary>
    private const int PartRows = 16;

    /// <summary>Sums that are computed side by side: four entries times four rank rows.</summary>
    private const int Block = 16;

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
        ReadOnlySpan<LoraProduct> products = work.Products;
        for (int i = 0; i < products.Length; i++)
        {
            for (int row = 0; row < products[i].Tiles.A.Rows; row += PartRows)
            {
                if (_shareCount == _shares.Length)
                {
                    Array.Resize(ref _shares, 2 * _shares.Length);
                }

                _shares[_shareCount++] = (i, row);
            }
        }

        return _shareCount;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int index, int firstRow) = _shares[part];
        LoraProduct product = _work.Products[index];
        int endRow = Math.Min(product.Tiles.A.Rows, firstRow + PartRows);
        switch (product.Tiles.A.Type)
        {
            case TensorType.F32:
                Shrink<F32Elements>(product, firstRow, endRow, part);
                break;
            case TensorType.F16:
                Shrink<F16Elements>(product, firstRow, endRow, part);
                break;
            case TensorType.BF16:
                Shrink<Bf16Elements>(product, firstRow, endRow, part);
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

    private void Shrink<T>(in LoraProduct product, int firstRow, int endRow, int part)
        where T : struct, IElements
    {
        Vector512<float>* lanes = stackalloc Vector512<float>[16];
        float** x = stackalloc float*[4];
        float* sums = stackalloc float[Split.LargestLeaves * Block];
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(product.FirstEntry, product.Count);
        for (int row = firstRow; row < endRow;)
        {
            TileBand band = TileBand.Containing(product.Tiles.A.Tiles.AsSpan(), row);
            int rankRows = Math.Min(endRow, band.EndRow) - row >= 4 ? 4 : 1;
            byte* next = Next(part, row - firstRow, rankRows, band, product);
            for (int entry = 0; entry < rows.Length;)
            {
                int entries = rows.Length - entry >= 4 ? 4 : 1;
                for (int e = 0; e < entries; e++)
                {
                    x[e] = _x.Row(rows[entry + e]);
                }

                int leaves = product.Borders.Length - 1;
                for (int leaf = 0; leaf < leaves; leaf++)
                {
                    new Span<Vector512<float>>(lanes, entries * rankRows).Clear();
                    Accumulate<T>(
                        product, band, row, rankRows, x, entries, lanes, next, product.Borders[leaf], product.Borders[leaf + 1]);
                    Lanes.Sums(lanes, entries * rankRows, sums + (leaf * Block));
                }

                AddLeaves(sums, leaves, entries * rankRows);
                float* v = _work.Shrunk + product.Shrunk + ((nint)entry * product.Tiles.Rank) + product.Tiles.A.FirstRow + row;
                for (int e = 0; e < entries; e++)
                {
                    for (int r = 0; r < rankRows; r++)
                    {
                        v[(e * product.Tiles.Rank) + r] = sums[(e * rankRows) + r];
                    }
                }

                entry += entries;
            }

            row += rankRows;
        }
    }

    /// <summary>Adds the sums of the leaves as a balanced tree; they are then those of leaf 0.</summary>
    private static void AddLeaves(float* sums, int leaves, int count)
    {
        for (int step = 1; step < leaves; step *= 2)
        {
            for (int leaf = 0; leaf < leaves; leaf += 2 * step)
            {
                float* left = sums + (leaf * Block);
                float* right = left + (step * Block);
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
        in LoraProduct product, TileBand band, int row, int rankRows, float** x, int entries, Vector512<float>* lanes, byte* next,
        int firstColumn, int endColumn)
        where T : struct, IElements
    {
        for (int i = band.FirstTile; i < band.EndTile; i++)
        {
            Tile tile = product.Tiles.A.Tiles[i];
            int first = Math.Max(firstColumn, tile.FirstColumn);
            int columns = Math.Min(endColumn, tile.FirstColumn + tile.Columns) - first;
            if (columns > 0)
            {
                byte* a = Address(product, tile, row, T.Size);
                nint ahead = next is null ? 0 : (nint)(next - a);
                ShrinkKernel.Add<T>(
                    x, first, entries, a + ((nint)(first - tile.FirstColumn) * T.Size), tile.Columns, columns, rankRows, lanes, ahead);
            }
        }
    }
}
