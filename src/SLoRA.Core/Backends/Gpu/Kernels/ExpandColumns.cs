using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Sums of four entries, of eight columns each.</summary>
internal struct ColumnSums
{
    public Eight A;
    public Eight B;
    public Eight C;
    public Eight D;
}

/// <summary>
/// Eight columns of <c>y += (weight · scale) · (v Bᵀ)</c> by a thread, four entries at a time or the last one alone: where every tile that
/// has one of the columns has all, at a multiple of eight, a row of them is one load. Otherwise columns go one after another. Rank rows
/// are added in order either way.
/// </summary>
internal static class ExpandColumns
{
    /// <inheritdoc cref="LoraKernels.Expand"/>
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
        int record = chunks[chunk] + (shape.Target(part) * LoraKernels.RecordInts);
        if (directory[record] == 0)
        {
            return;
        }

        int column = ((Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX) << 3;
        float scale = Interop.IntAsFloat((uint)directory[record + 1]);
        int type = directory[record + 5];
        int firstTile = directory[record + 6];
        int endTile = firstTile + (directory[record + 7] * LoraKernels.TileInts);
        int firstEntry = chunks[chunk + 1];
        int count = chunks[chunk + 2];
        int columns = chunks[chunk + 4];
        long begin = chunks[chunk + 3] + ((long)part * count * columns);
        int found = 0;
        int whole = 1;
        for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
        {
            int inTile = column - directory[tile + 3];
            int span = directory[tile + 4];
            if (inTile + 8 > 0 && inTile < span)
            {
                found = 1;
                if (inTile < 0 || inTile + 8 > span || ((inTile | span) & 7) != 0)
                {
                    whole = 0;
                }
            }
        }

        if (found == 0)
        {
            return;
        }

        long at = shape.Column(part) + column;
        int entry = blocks[block + 1];
        int endEntry = entry + LoraKernels.ExpandEntries < count ? entry + LoraKernels.ExpandEntries : count;
        for (; entry < endEntry; entry += 4)
        {
            int last = count - 1;
            var rows = new EntryRows(
                begin + ((long)entry * columns), begin + ((long)(entry + 1 < last ? entry + 1 : last) * columns),
                begin + ((long)(entry + 2 < last ? entry + 2 : last) * columns),
                begin + ((long)(entry + 3 < last ? entry + 3 : last) * columns), entry == last);
            if (whole == 1)
            {
                var sums = default(ColumnSums);
                for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
                {
                    int inTile = column - directory[tile + 3];
                    int span = directory[tile + 4];
                    if (inTile >= 0 && inTile < span)
                    {
                        EntryRows from = rows.From(directory[tile + 1]);
                        int ranks = directory[tile + 2];
                        if (type == LoraKernels.F32)
                        {
                            long b = ((long)directory[tile] << 4) + inTile;
                            sums = Combine<float, StoredF32>(pool32, b, span, ranks, v, from, sums);
                        }
                        else if (type == LoraKernels.F16)
                        {
                            long b = ((long)directory[tile] << 5) + inTile;
                            sums = Combine<ushort, StoredF16>(pool16, b, span, ranks, v, from, sums);
                        }
                        else
                        {
                            long b = ((long)directory[tile] << 5) + inTile;
                            sums = Combine<ushort, StoredBf16>(pool16, b, span, ranks, v, from, sums);
                        }
                    }
                }

                AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry, at, shape, scale, sums.A);
                if (entry + 1 < count)
                {
                    AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry + 1, at, shape, scale, sums.B);
                }

                if (entry + 2 < count)
                {
                    AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry + 2, at, shape, scale, sums.C);
                }

                if (entry + 3 < count)
                {
                    AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry + 3, at, shape, scale, sums.D);
                }
            }
            else
            {
                for (int i = 0; i < 8; i++)
                {
                    var sum = default(Four);
                    int has = 0;
                    for (int tile = firstTile; tile < endTile; tile += LoraKernels.TileInts)
                    {
                        int inTile = column + i - directory[tile + 3];
                        int span = directory[tile + 4];
                        if (inTile >= 0 && inTile < span)
                        {
                            has = 1;
                            EntryRows from = rows.From(directory[tile + 1]);
                            for (int r = 0; r < directory[tile + 2]; r++)
                            {
                                long element = ((long)r * span) + inTile;
                                float w = LoraKernels.Element(pool32, pool16, type, directory[tile], element);
                                sum.A += w * v[from.A + r];
                                sum.B += w * v[from.B + r];
                                sum.C += w * v[from.C + r];
                                sum.D += w * v[from.D + r];
                            }
                        }
                    }

                    if (has == 1)
                    {
                        AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry, at + i, shape, scale, sum.A);
                        if (entry + 1 < count)
                        {
                            AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry + 1, at + i, shape, scale, sum.B);
                        }

                        if (entry + 2 < count)
                        {
                            AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry + 2, at + i, shape, scale, sum.C);
                        }

                        if (entry + 3 < count)
                        {
                            AddTo(y, entryRows, outputOfRow, entryWeights, firstEntry + entry + 3, at + i, shape, scale, sum.D);
                        }
                    }
                }
            }
        }
    }

    private static ColumnSums Combine<TStored, TElement>(
        ArrayView<TStored> pool, long b, int span, int ranks, ArrayView<float> v, EntryRows rows, ColumnSums sums)
        where TStored : unmanaged
        where TElement : struct, IStoredType<TStored>
    {
        // Four rows are under way before the first is used.
        int r = 0;
        for (; r + 4 <= ranks; r += 4)
        {
            long row = b + ((long)r * span);
            Eight w0 = TElement.LoadEight(pool, row);
            Eight w1 = TElement.LoadEight(pool, row + span);
            Eight w2 = TElement.LoadEight(pool, row + (2L * span));
            Eight w3 = TElement.LoadEight(pool, row + (3L * span));
            sums = Add(sums, w0, v, rows, r);
            sums = Add(sums, w1, v, rows, r + 1);
            sums = Add(sums, w2, v, rows, r + 2);
            sums = Add(sums, w3, v, rows, r + 3);
        }

        for (; r < ranks; r++)
        {
            sums = Add(sums, TElement.LoadEight(pool, b + ((long)r * span)), v, rows, r);
        }

        return sums;
    }

    private static ColumnSums Add(ColumnSums sums, Eight w, ArrayView<float> v, EntryRows rows, int rank)
    {
        sums.A.Add(v[rows.A + rank], w);
        if (!rows.IsAlone)
        {
            sums.B.Add(v[rows.B + rank], w);
            sums.C.Add(v[rows.C + rank], w);
            sums.D.Add(v[rows.D + rank], w);
        }

        return sums;
    }

    /// <summary>Adds what an entry adds to eight columns.</summary>
    public static void AddTo(
        ArrayView<float> y, ArrayView<int> entryRows, ArrayView<int> outputOfRow, ArrayView<float> entryWeights, int entry, long column,
        LoraShape shape, float scale, Eight delta)
    {
        int row = LoraKernels.RowOf(entryRows, outputOfRow, entry, shape);
        if (row < 0)
        {
            return;
        }

        float factor = entryWeights[entry] * scale;
        long at = ((long)row * shape.Width) + column;
        if ((at & 3) == 0)
        {
            ArrayView<Floats4> wide = y.Cast<Floats4>();
            Eight sums;
            sums.First = wide[at >> 2];
            sums.Second = wide[(at >> 2) + 1];
            sums.Add(factor, delta);
            wide[at >> 2] = sums.First;
            wide[(at >> 2) + 1] = sums.Second;
            return;
        }

        y[at] += factor * delta.First.X;
        y[at + 1] += factor * delta.First.Y;
        y[at + 2] += factor * delta.First.Z;
        y[at + 3] += factor * delta.First.W;
        y[at + 4] += factor * delta.Second.X;
        y[at + 5] += factor * delta.Second.Y;
        y[at + 6] += factor * delta.Second.Z;
        y[at + 7] += factor * delta.Second.W;
    }

    /// <summary>Adds what an entry adds to a column.</summary>
    public static void AddTo(
        ArrayView<float> y, ArrayView<int> entryRows, ArrayView<int> outputOfRow, ArrayView<float> entryWeights, int entry, long column,
        LoraShape shape, float scale, float delta)
    {
        int row = LoraKernels.RowOf(entryRows, outputOfRow, entry, shape);
        if (row >= 0)
        {
            float factor = entryWeights[entry] * scale;
            y[((long)row * shape.Width) + column] += factor * delta;
        }
    }
}

/// <summary>Where v of four entries begins; the last one's where there are fewer.</summary>
internal readonly struct EntryRows(long a, long b, long c, long d, bool isAlone)
{
    public readonly long A = a;
    public readonly long B = b;
    public readonly long C = c;
    public readonly long D = d;

    /// <summary>Whether they are all the same entry.</summary>
    public readonly bool IsAlone = isAlone;

    /// <summary>The same from a rank row on.</summary>
    public EntryRows From(int rank) => new(A + rank, B + rank, C + rank, D + rank, IsAlone);
}
