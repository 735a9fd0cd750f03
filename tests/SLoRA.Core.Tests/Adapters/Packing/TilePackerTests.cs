using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Adapters.Packing;

internal sealed unsafe class TilePackerTests
{
    [SeededProperty(Arbitrary = [typeof(TilePackerTests)], MaxTest = 60)]
    public Property What_is_packed_reads_back_as_the_source(Shape shape)
    {
        ImmutableArray<TargetModule> targets = TestAdapter.Model(2, shape.In, shape.Out, shape.Vocabulary);
        var random = new Random(shape.Seed);
        TensorType[] types = [TensorType.F32, TensorType.F16, TensorType.BF16];
        TestAdapter adapter = TestAdapter.For(targets, _ => random.Next(1, shape.Rank + 1), _ => types[random.Next(3)], shape.Seed);
        using AdapterContent content = Load(adapter, targets);
        TensorType baseType = types[random.Next(3)];
        TileDirectory directory =
            TilePlanner.Plan(content.Description.Modules, targets.Length, shape.PageKiB * 1024L, shape.Policy, baseType);
        var pages = new ArrayPages(directory.PageCount + 5, shape.PageKiB * 1024L);
        int[] poolPages = Shuffled(random, pages.PageCount)[..directory.PageCount];
        var packer = new TilePacker(content, directory, pages, poolPages);
        int slices = 0;
        while (!packer.Advance(shape.Slice))
        {
            slices++;
        }

        Assert.That(pages.LargestWrite, Is.LessThanOrEqualTo(1024), "pieces are bounded");
        Assert.That(slices, Is.GreaterThanOrEqualTo(shape.Slice < 16 ? 1 : 0));
        foreach (AdapterContentModule module in content.Modules)
        {
            ModuleTiles tiles = directory.Modules[module.Target.Index]!;
            Compare(tiles.A, module.A, transposed: false, pages, poolPages);
            Compare(tiles.B, module.B, transposed: true, pages, poolPages);
        }

        CheckUntouched(directory, pages, poolPages);
        return true.ToProperty();
    }

    public sealed record Shape(int Rank, int In, int Out, int Vocabulary, int Seed, int PageKiB, AdapterWeightType Policy, long Slice);

    public static Arbitrary<Shape> Shapes() => Arb.From(
        from rank in Gen.OneOf(Gen.Choose(1, 20), Gen.Choose(21, 128))
        from inputs in Gen.Choose(1, 700)
        from outputs in Gen.Choose(1, 300)
        from vocabulary in Gen.OneOf(Gen.Constant(0), Gen.Choose(1, 3000))
        from seed in Gen.Choose(0, int.MaxValue)
        from page in Gen.OneOf(Gen.Choose(1, 8), Gen.Choose(9, 64), Gen.Constant(2048))
        from policy in Gen.Elements(AdapterWeightType.AsStored, AdapterWeightType.BaseType)
        from slice in Gen.Elements(1L, 10_000L, long.MaxValue)
        select new Shape(rank, inputs, outputs, vocabulary, seed, page, policy, slice));

    [Test]
    public void Packing_again_gives_the_same_bytes()
    {
        ImmutableArray<TargetModule> targets = TestAdapter.Model(2, 100, 60);
        using AdapterContent content = Load(TestAdapter.For(targets, _ => 20, _ => TensorType.F32), targets);
        TileDirectory directory =
            TilePlanner.Plan(content.Description.Modules, targets.Length, 4096, AdapterWeightType.BaseType, TensorType.BF16);
        int[] order = [.. Enumerable.Range(0, directory.PageCount)];
        var first = new ArrayPages(directory.PageCount, 4096);
        var second = new ArrayPages(directory.PageCount, 4096);
        TilePacker.Pack(content, directory, first, order);
        TilePacker.Pack(content, directory, second, [.. order.Reverse()]);
        byte[] left = new byte[4096], right = new byte[4096];
        foreach (int page in order)
        {
            first.Read(page, 0, left);
            second.Read(directory.PageCount - 1 - page, 0, right);
            Assert.That(left, Is.EqualTo(right));
        }
    }

    [TestCase("F16", 65519f, true)]
    [TestCase("F16", 65520f, false)]
    [TestCase("F16", -65520f, false)]
    [TestCase("F16", -65519f, true)]
    [TestCase("BF16", 3.3961776e38f, false)]
    [TestCase("BF16", 3.3961773e38f, true)]
    [TestCase("BF16", float.MinValue, false)]
    public void A_value_that_would_become_infinite_is_refused_before_anything_is_written(string baseType, float value, bool fits)
    {
        TensorType type = Enum.Parse<TensorType>(baseType);
        ImmutableArray<TargetModule> targets = TestAdapter.Model(1, 8, 8);
        TestAdapter adapter = TestAdapter.For(targets, _ => 2, _ => TensorType.F32);
        BitConverter.TryWriteBytes(adapter.Tensors[3].Data.AsSpan(8), value);
        using AdapterContent content = Load(adapter, targets);
        TileDirectory directory = TilePlanner.Plan(content.Description.Modules, targets.Length, 4096, AdapterWeightType.BaseType, type);
        var pages = new ArrayPages(directory.PageCount, 4096);
        if (fits)
        {
            TilePacker.Pack(content, directory, pages, [0]);
            return;
        }

        var error = Assert.Throws<AdapterLoadException>(() => TilePacker.Pack(content, directory, pages, [0]))!;
        Assert.That((error.Code, error.Adapter, error.Subject), Is.EqualTo(("adapter.tensor", "tenant", adapter.Tensors[3].Name)));
        Assert.That(pages.Writes, Is.Zero);
        TileDirectory asStored = TilePlanner.Plan(content.Description.Modules, targets.Length, 4096, AdapterWeightType.AsStored, type);
        Assert.DoesNotThrow(() => TilePacker.Pack(content, asStored, pages, [0]));
    }

    [Test]
    public void Too_few_pages_are_refused()
    {
        ImmutableArray<TargetModule> targets = TestAdapter.Model(2, 100, 60);
        using AdapterContent content = Load(TestAdapter.For(targets, _ => 20, _ => TensorType.F32), targets);
        TileDirectory directory =
            TilePlanner.Plan(content.Description.Modules, targets.Length, 4096, AdapterWeightType.AsStored, TensorType.F32);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => TilePacker.Pack(content, directory, new ArrayPages(99, 4096), new int[directory.PageCount - 1]));
    }

    private static AdapterContent Load(TestAdapter adapter, ImmutableArray<TargetModule> targets) =>
        AdapterContent.Load(AdapterDescription.Read(adapter.InMemory(), targets), _ => default);

    /// <summary>Element for element, with the conversion done on one value at a time.</summary>
    private static void Compare(MatrixTiles tiles, WeightMatrix source, bool transposed, ArrayPages pages, int[] poolPages)
    {
        int size = tiles.Type.ElementSize();
        byte[] expected = new byte[size];
        foreach (Tile tile in tiles.Tiles)
        {
            byte[] packed = new byte[tile.Rows * tile.Columns * size];
            pages.Read(poolPages[tile.Page], tile.Offset, packed);
            for (int row = 0; row < tile.Rows; row++)
            {
                for (int column = 0; column < tile.Columns; column++)
                {
                    (int r, int c) =
                        transposed ? (tile.FirstColumn + column, tile.FirstRow + row) : (tile.FirstRow + row, tile.FirstColumn + column);
                    fixed (byte* data = source.Bytes, target = expected)
                    {
                        Elements.Write(tiles.Type, target, 0, Elements.Read(source.Type, data, ((long)r * source.Columns) + c));
                    }

                    if (!packed.AsSpan(((row * tile.Columns) + column) * size, size).SequenceEqual(expected))
                    {
                        Assert.Fail($"{source.Name} [{r}, {c}] in {tile}");
                    }
                }
            }
        }
    }

    /// <summary>Nothing outside the tiles was written.</summary>
    private static void CheckUntouched(TileDirectory directory, ArrayPages pages, int[] poolPages)
    {
        bool[] covered = new bool[directory.PageCount * pages.PageBytes];
        foreach (MatrixTiles matrix in directory.Modules.SelectMany(module => (MatrixTiles[])[module!.A, module.B]))
        {
            foreach (Tile tile in matrix.Tiles)
            {
                covered.AsSpan((int)((tile.Page * pages.PageBytes) + tile.Offset), tile.Rows * tile.Columns * matrix.Type.ElementSize())
                    .Fill(true);
            }
        }

        byte[] bytes = new byte[pages.PageBytes];
        for (int page = 0; page < pages.PageCount; page++)
        {
            int own = Array.IndexOf(poolPages, page);
            pages.Read(page, 0, bytes);
            for (int at = 0; at < bytes.Length; at++)
            {
                if ((own < 0 || !covered[(own * pages.PageBytes) + at]) && bytes[at] != ArrayPages.Untouched)
                {
                    Assert.Fail($"byte {at} of page {page} is in no tile and was written");
                }
            }
        }
    }

    private static int[] Shuffled(Random random, int count)
    {
        int[] pages = [.. Enumerable.Range(0, count)];
        random.Shuffle(pages);
        return pages;
    }
}
