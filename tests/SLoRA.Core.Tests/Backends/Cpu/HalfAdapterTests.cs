using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Adapters in half precision, which machine code widens where there is any.</summary>
internal sealed unsafe class HalfAdapterTests
{
    private const int PageBytes = 1 << 20;

    [SeededProperty(MaxTest = 60)]
    public void Machine_code_changes_no_bit_of_a_delta(int seed)
    {
        float[] inCSharp = Deltas(seed, null);
        foreach (HalfWidening code in HalfWidening.Widths)
        {
            Assert.That(Deltas(seed, code), Is.EqualTo(inCSharp));
        }

        Assert.That(inCSharp.Count(delta => delta != 0), Is.GreaterThan(inCSharp.Length / 2));
    }

    /// <summary>Shrinks and expands two products, the second of which lies as the first does or not.</summary>
    private static float[] Deltas(int seed, HalfWidening? code)
    {
        var random = new Random(seed);
        int inputs = random.Next(1, random.Next(2) == 0 ? 100 : 2600), outputs = random.Next(1, random.Next(2) == 0 ? 100 : 2600);
        int count = random.Next(3) switch { 0 => 1, 1 => random.Next(1, 9), _ => random.Next(1, WorkList.ChunkLimit + 1) };
        using var memory = new AlignedMemory(8 * PageBytes);
        var pages = new CpuPageMemory(memory, 8, PageBytes);
        using var work = new LoraWork();
        using var x = new AlignedMemory(CpuRows.BytesFor(inputs, count));
        using var y = new AlignedMemory(CpuRows.BytesFor(outputs, count));
        var from = new CpuRows(RowSet.Step, inputs, count, x);
        var to = new CpuRows(RowSet.Step, outputs, count, y);
        Fill(random, new Span<float>(from.Data, (int)(count * from.Stride)));
        work.Begin(Entries(random, count), isShown: false);
        ImmutableArray<int> borders = Borders(random, inputs);
        int rank = random.Next(1, random.Next(4) == 0 ? 140 : 20);
        for (int i = 0; i < 2; i++)
        {
            MatrixTiles a = Tiles(random, pages, 4 * i, rank, inputs, borders), b = Tiles(random, pages, (4 * i) + 2, rank, outputs, []);
            var tiles = new ModuleTiles { Rank = rank, Scale = 0.5f, A = a, B = b };
            var adapter = new ResidentAdapter(new TileDirectory([tiles], 8), [0, 1, 2, 3, 4, 5, 6, 7]);
            work.Add(new LoraProduct(adapter, tiles, 0, count, 0, 0, borders));
            rank = random.Next(2) == 0 ? rank : random.Next(1, 20);
        }

        work.End();
        using var shrink = new ShrinkJob(2, code);
        Run(shrink, shrink.Prepare(work, from, pages));
        using var scratch = new AlignedMemory(ExpandJob.BytesFor(2));
        var expand = new ExpandJob(2, scratch, code);
        Run(expand, expand.Prepare(work, to, pages));
        return [.. Enumerable.Range(0, count).SelectMany(row => Twin.Read(to, row))];
    }

    /// <summary>The last part first, threads by turns.</summary>
    private static void Run(ComputeJob job, int parts)
    {
        for (int part = parts - 1; part >= 0; part--)
        {
            job.Execute(part, part % 2);
        }
    }

    private static LoraEntries Entries(Random random, int count)
    {
        var entries = new LoraEntries();
        entries.Begin(count);
        _ = entries.Take(count);
        for (int i = 0; i < count; i++)
        {
            entries.Set(i, (i + 3) % count, random.NextSingle());
        }

        return entries;
    }

    /// <summary>One leaf, or several as a model has them: of equal size where there are enough inputs.</summary>
    private static ImmutableArray<int> Borders(Random random, int inputs)
    {
        int leaves = 1 << random.Next(4);
        return inputs < 16 * leaves ? [0, inputs] : [.. Enumerable.Range(0, leaves + 1).Select(leaf => inputs * leaf / leaves)];
    }

    /// <summary>
    /// Bands of rank rows in one page, cut into tiles at lanes of a single leaf; several leaves have tiles of whole rank rows.
    /// </summary>
    private static MatrixTiles Tiles(Random random, CpuPageMemory pages, int page, int rank, int columns, ImmutableArray<int> borders)
    {
        var tiles = ImmutableArray.CreateBuilder<Tile>();
        int band = random.Next(1, 65), span = borders.Length > 2 ? columns : Lanes.Count * random.Next(1, 200), offset = 0;
        for (int row = 0; row < rank; row += band)
        {
            for (int column = 0; column < columns; column += span)
            {
                var tile = new Tile(page, offset, row, Math.Min(band, rank - row), column, Math.Min(span, columns - column));
                var halves = new Span<Half>(pages.Address(page) + offset, tile.Rows * tile.Columns);
                for (int i = 0; i < halves.Length; i++)
                {
                    halves[i] = (Half)(random.NextSingle() - 0.5f);
                }

                offset += ((tile.Rows * tile.Columns * sizeof(ushort)) + 63) & ~63;
                tiles.Add(tile);
            }
        }

        Assert.That(offset, Is.LessThanOrEqualTo(2 * PageBytes));
        return new MatrixTiles { Type = TensorType.F16, Rows = rank, Columns = columns, Tiles = tiles.ToImmutable() };
    }

    private static void Fill(Random random, Span<float> numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = random.NextSingle() - 0.5f;
        }
    }
}
