using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// A block of <c>y += (weight · scale) · (v Bᵀ)</c> on tensor cores: 256 columns of one part and 16 entries of a chunk. A warp has 64
/// columns; a lane reads eight columns of four rank rows in loads of 16 bytes (<see cref="WovenRows"/>). Tiles are added in order, of each
/// the terms of B and within them those of v; columns that a tile lacks add zeros.
/// </summary>
internal static class TensorExpand
{
    /// <summary>Columns of a group.</summary>
    public const int Columns = 256;

    /// <inheritdoc cref="LoraKernels.ExpandOnTensorCores"/>
    public static void Run(
        ArrayView<float> v,
        ArrayView<float> pool32,
        ArrayView<ushort> pool16,
        ArrayView<int> directory,
        ArrayView<int> blocks,
        ArrayView<int> chunks,
        ArrayView<int> entryRows,
        ArrayView<float> entryWeights,
        ArrayView<int> outputOfRow,
        ArrayView<float> y,
        LoraShape shape)
    {
        int part = Grid.IdxZ;
        int block = Grid.IdxY * LoraKernels.ExpandBlockInts;
        int chunk = blocks[block] * LoraKernels.ChunkInts;
        int firstEntry = blocks[block + 1];
        int record = chunks[chunk] + (shape.Target(part) * LoraKernels.RecordInts);
        if (directory[record] == 0)
        {
            return;
        }

        int lane = Group.IdxX & 31;
        int firstColumn = Grid.IdxX * Columns;
        int warpColumn = firstColumn + ((Group.IdxX >> 5) << 6);
        int column = warpColumn + ((lane >> 2) << 3);
        int type = directory[record + 5];
        int firstTile = directory[record + 6];
        int endTile = firstTile + (directory[record + 7] * LoraKernels.TileInts);
        int count = chunks[chunk + 2];
        int stride = chunks[chunk + 4];
        long begin = chunks[chunk + 3] + ((long)part * count * stride);
        int entry = firstEntry + (lane >> 2);
        var entries = new EntryPair(
            begin + ((long)(entry < count ? entry : count - 1) * stride),
            begin + ((long)(entry + 8 < count ? entry + 8 : count - 1) * stride), entry < count, entry + 8 < count);
        var sums = default(UnitSums);
        int end = 0;
        for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
        {
            int tileColumn = directory[tile + 3];
            int span = directory[tile + 4];
            end = tileColumn + span > end ? tileColumn + span : end;
            if (tileColumn < firstColumn + Columns && tileColumn + span > firstColumn)
            {
                var rows = new TileRows(directory[tile + 2], span, column - tileColumn, ((tileColumn | span) & 7) == 0);
                ActivationTerms terms = Load(v, entries.From(directory[tile + 1]), rows.Ranks);
                Words4 first = terms.Take();
                Words4 second = terms.Take();
                Words4 third = terms.Take();
                if (type == LoraKernels.F32)
                {
                    sums = Add<float, F32Tile>(sums, first, second, third, pool32, (long)directory[tile] << 4, rows);
                }
                else if (type == LoraKernels.F16)
                {
                    sums = Add<ushort, F16Tile>(sums, first, second, third, pool16, (long)directory[tile] << 5, rows);
                }
                else
                {
                    sums = Add<ushort, Bf16Tile>(sums, first, second, third, pool16, (long)directory[tile] << 5, rows);
                }
            }
        }

        float scale = Interop.IntAsFloat((uint)directory[record + 1]);
        int at = warpColumn + ((lane & 3) << 4);
        entry += chunks[chunk + 1];
        if (entries.HasFirst)
        {
            AddTo(y, entryRows, outputOfRow, entryWeights, entry, at, end, part, shape, scale, sums.First());
            AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 8, end, part, shape, scale, sums.Second());
        }

        if (entries.HasSecond)
        {
            AddTo(y, entryRows, outputOfRow, entryWeights, entry + 8, at, end, part, shape, scale, sums.LowerFirst());
            AddTo(y, entryRows, outputOfRow, entryWeights, entry + 8, at + 8, end, part, shape, scale, sums.LowerSecond());
        }
    }

    /// <summary>v of two entries, rank rows as in <see cref="WovenRows"/>, for left sides of products.</summary>
    private static ActivationTerms Load(ArrayView<float> v, EntryPair entries, int ranks)
    {
        int rank = (Group.IdxX & 3) << 1;
        Floats4 first;
        first.X = Shrunk(v, entries.First, rank, ranks, entries.HasFirst);
        first.Y = Shrunk(v, entries.First, rank + 1, ranks, entries.HasFirst);
        first.Z = Shrunk(v, entries.Second, rank, ranks, entries.HasSecond);
        first.W = Shrunk(v, entries.Second, rank + 1, ranks, entries.HasSecond);
        Floats4 second;
        second.X = Shrunk(v, entries.First, rank + 8, ranks, entries.HasFirst);
        second.Y = Shrunk(v, entries.First, rank + 9, ranks, entries.HasFirst);
        second.Z = Shrunk(v, entries.Second, rank + 8, ranks, entries.HasSecond);
        second.W = Shrunk(v, entries.Second, rank + 9, ranks, entries.HasSecond);
        return new ActivationTerms(first, second, present: true);
    }

    private static float Shrunk(ArrayView<float> v, long entry, int rank, int ranks, bool isPresent)
    {
        float value = v[entry + (rank < ranks ? rank : 0)];
        return isPresent && rank < ranks ? value : 0f;
    }

    private static UnitSums Add<TStored, TTile>(
        UnitSums sums, Words4 first, Words4 second, Words4 third, ArrayView<TStored> pool, long tile, TileRows rows)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        int rank = (Group.IdxX & 3) << 1;
        WovenRows weights;
        weights.Row0 = Load<TStored, TTile>(pool, tile, rows, rank);
        weights.Row1 = Load<TStored, TTile>(pool, tile, rows, rank + 1);
        weights.Row8 = Load<TStored, TTile>(pool, tile, rows, rank + 8);
        weights.Row9 = Load<TStored, TTile>(pool, tile, rows, rank + 9);
        weights.Has0 = rows.Has(rank);
        weights.Has1 = rows.Has(rank + 1);
        weights.Has8 = rows.Has(rank + 8);
        weights.Has9 = rows.Has(rank + 9);
        return weights.AddTo(sums, TTile.Terms, first, second, third);
    }

    /// <summary>Eight columns of a rank row: what the tile has of them; anything where it has none.</summary>
    private static TileTerms Load<TStored, TTile>(ArrayView<TStored> pool, long tile, TileRows rows, int rank)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        long row = tile + (rank < rows.Ranks ? (long)rank * rows.Span : 0L);
        if (rows.IsWide)
        {
            return TTile.LoadEight(pool, row + (rows.HasColumns ? rows.Column : 0));
        }

        Eight elements;
        elements.First.X = Element<TStored, TTile>(pool, row, rows, 0);
        elements.First.Y = Element<TStored, TTile>(pool, row, rows, 1);
        elements.First.Z = Element<TStored, TTile>(pool, row, rows, 2);
        elements.First.W = Element<TStored, TTile>(pool, row, rows, 3);
        elements.Second.X = Element<TStored, TTile>(pool, row, rows, 4);
        elements.Second.Y = Element<TStored, TTile>(pool, row, rows, 5);
        elements.Second.Z = Element<TStored, TTile>(pool, row, rows, 6);
        elements.Second.W = Element<TStored, TTile>(pool, row, rows, 7);
        return TTile.Of(elements);
    }

    private static float Element<TStored, TTile>(ArrayView<TStored> pool, long row, TileRows rows, int column)
        where TStored : unmanaged
        where TTile : struct, ITileType<TStored>
    {
        int inTile = rows.Column + column;
        bool isInside = inTile >= 0 && inTile < rows.Span;
        float element = TTile.Load(pool[row + (isInside ? inTile : 0)]);
        return isInside ? element : 0f;
    }

    /// <summary>Adds those of a unit's columns that B has.</summary>
    private static void AddTo(
        ArrayView<float> y, ArrayView<int> entryRows, ArrayView<int> outputOfRow, ArrayView<float> entryWeights, int entry, int column,
        int end, int part, LoraShape shape, float scale, Eight delta)
    {
        long at = shape.Column(part) + column;
        if (column + 8 <= end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at, shape, scale, delta);
            return;
        }

        if (column < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at, shape, scale, delta.First.X);
        }

        if (column + 1 < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 1, shape, scale, delta.First.Y);
        }

        if (column + 2 < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 2, shape, scale, delta.First.Z);
        }

        if (column + 3 < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 3, shape, scale, delta.First.W);
        }

        if (column + 4 < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 4, shape, scale, delta.Second.X);
        }

        if (column + 5 < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 5, shape, scale, delta.Second.Y);
        }

        if (column + 6 < end)
        {
            ExpandColumns.AddTo(y, entryRows, outputOfRow, entryWeights, entry, at + 6, shape, scale, delta.Second.Z);
        }
    }
}

/// <summary>Where v of two entries begins, and whether they are there.</summary>
internal readonly struct EntryPair(long first, long second, bool hasFirst, bool hasSecond)
{
    public readonly long First = first;
    public readonly long Second = second;
    public readonly bool HasFirst = hasFirst;
    public readonly bool HasSecond = hasSecond;

    /// <summary>The same from a rank row on.</summary>
    public EntryPair From(int rank) => new(First + rank, Second + rank, HasFirst, HasSecond);
}

/// <summary>A tile, and where a lane's eight columns are in it, or would be.</summary>
internal readonly struct TileRows(int ranks, int span, int column, bool isWide)
{
    /// <summary>Rank rows.</summary>
    public readonly int Ranks = ranks;

    /// <summary>Columns.</summary>
    public readonly int Span = span;

    /// <summary>The first of the eight columns, from the tile's first on.</summary>
    public readonly int Column = column;

    /// <summary>Whether units of eight columns are wholly in the tile or outside of it, at multiples of eight.</summary>
    public readonly bool IsWide = isWide;

    /// <summary>Whether some of the eight columns are in the tile.</summary>
    public bool HasColumns => Column + 8 > 0 && Column < Span;

    /// <summary>Whether the tile has something of a rank row.</summary>
    public bool Has(int rank) => rank < Ranks && HasColumns;
}
