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

internal sealed class TilePlannerTests
{
    /// <summary>A made-up adapter: its modules' shapes, and the page it is planned for.</summary>
    public sealed record Plan(int Rank, int Columns, int Outputs, int Vocabulary, int Seed, int PageKiB, AdapterWeightType Policy);

    public static Arbitrary<Plan> Plans() => Arb.From(
        from rank in Gen.Choose(1, 128)
        from columns in Gen.OneOf(Gen.Choose(1, 70), Gen.Choose(71, 5000))
        from outputs in Gen.OneOf(Gen.Choose(1, 70), Gen.Choose(71, 3000))
        from vocabulary in Gen.OneOf(Gen.Constant(0), Gen.Choose(1, 70_000))
        from seed in Gen.Choose(0, int.MaxValue)
        from page in Gen.OneOf(Gen.Choose(1, 8), Gen.Choose(9, 360), Gen.Constant(2048))
        from policy in Gen.Elements(AdapterWeightType.AsStored, AdapterWeightType.BaseType)
        select new Plan(rank, columns, outputs, vocabulary, seed, page, policy));

    [SeededProperty(Arbitrary = [typeof(TilePlannerTests)], MaxTest = 150)]
    public Property Tiles_cover_every_element_once_inside_their_page_without_touching_each_other(Plan plan)
    {
        ImmutableArray<AdapterModule> modules = Modules(plan);
        TileDirectory directory = TilePlanner.Plan(modules, modules.Length + 3, plan.PageKiB * 1024L, plan.Policy, TensorType.BF16);
        var used = new List<(long Begin, long End)>();
        foreach (AdapterModule module in modules)
        {
            ModuleTiles tiles = directory.Modules[module.Target.Index]!;
            Assert.That((tiles.Rank, tiles.Scale), Is.EqualTo((module.Rank, module.Scale)));
            CheckMatrix(tiles.A, module.Rank, module.Target.InFeatures, plan, used);
            CheckMatrix(tiles.B, module.Rank, module.Target.OutFeatures, plan, used);
        }

        used.Sort();
        for (int at = 1; at < used.Count; at++)
        {
            Assert.That(used[at].Begin, Is.GreaterThanOrEqualTo(used[at - 1].End), "tiles overlap");
        }

        Assert.That(directory.PageCount, Is.EqualTo((used[^1].End + (plan.PageKiB * 1024L) - 1) / (plan.PageKiB * 1024L)));
        Assert.That(directory.Modules, Has.Length.EqualTo(modules.Length + 3));
        return true.ToProperty();
    }

    [SeededProperty(Arbitrary = [typeof(TilePlannerTests)], MaxTest = 60)]
    public Property Waste_is_the_end_of_tiles_and_of_the_last_page(Plan plan)
    {
        ImmutableArray<AdapterModule> modules = Modules(plan);
        long pageBytes = plan.PageKiB * 1024L;
        TileDirectory directory = TilePlanner.Plan(modules, modules.Length, pageBytes, plan.Policy, TensorType.BF16);
        long data = 0, tiles = 0;
        foreach (MatrixTiles matrix in directory.Modules.SelectMany(module => (MatrixTiles[])[module!.A, module.B]))
        {
            data += (long)matrix.Rows * matrix.Columns * matrix.Type.ElementSize();
            tiles += matrix.Tiles.Length;
        }

        // At the end of a page less than one span of a whole group is left.
        long pageEnd = TilePlanner.GroupRows * TilePlanner.SpanColumns * 4;
        Assert.That((directory.PageCount * pageBytes) - data,
            Is.LessThan(pageBytes + (tiles * TilePlanner.Alignment) + ((directory.PageCount - 1) * pageEnd)));
        return true.ToProperty();
    }

    [SeededProperty(Arbitrary = [typeof(TilePlannerTests)], MaxTest = 30)]
    public Property The_same_adapter_gets_the_same_layout(Plan plan)
    {
        ImmutableArray<AdapterModule> modules = Modules(plan);
        return (Text(Make()) == Text(Make())).ToProperty();

        TileDirectory Make() => TilePlanner.Plan(modules, modules.Length, plan.PageKiB * 1024L, plan.Policy, TensorType.F16);
        string Text(TileDirectory directory) =>
            string.Join("|", directory.Modules.SelectMany(module => module!.A.Tiles.Concat(module.B.Tiles)));
    }

    [Test]
    public void A_small_adapter_is_laid_out_as_the_documentation_shows()
    {
        ImmutableArray<AdapterModule> modules = [Module(0, 20, 96, 40, TensorType.BF16)];
        TileDirectory directory = TilePlanner.Plan(modules, 1, 4096, AdapterWeightType.AsStored, TensorType.F32);
        Assert.That(directory.PageCount, Is.EqualTo(2));
        Assert.That(directory.Modules[0]!.A.Tiles, Is.EqualTo(new[]
        {
            new Tile(0, 0, 0, 16, 0, 96),
            new Tile(0, 3072, 16, 4, 0, 96),
        }));
        Assert.That(directory.Modules[0]!.B.Tiles, Is.EqualTo(new[]
        {
            new Tile(1, 0, 0, 16, 0, 40),
            new Tile(1, 1280, 16, 4, 0, 40),
        }));
    }

    [Test]
    public void A_vocabulary_is_cut_along_its_columns()
    {
        ImmutableArray<AdapterModule> modules = [Module(0, 16, 150_000, 64, TensorType.BF16)];
        TileDirectory directory = TilePlanner.Plan(modules, 1, 1 << 20, AdapterWeightType.AsStored, TensorType.BF16);
        Assert.That(directory.Modules[0]!.A.Tiles, Has.Length.EqualTo(5));
        Assert.That(directory.Modules[0]!.A.Tiles.Take(4).Select(tile => tile.Columns), Is.All.EqualTo(32_768));
    }

    [Test]
    public void The_type_in_the_pages_follows_the_base_only_down_to_16_bits()
    {
        Assert.Multiple(() =>
        {
            Assert.That(TilePlanner.PagedType(TensorType.F32, AdapterWeightType.BaseType, TensorType.BF16), Is.EqualTo(TensorType.BF16));
            Assert.That(TilePlanner.PagedType(TensorType.F32, AdapterWeightType.BaseType, TensorType.F16), Is.EqualTo(TensorType.F16));
            Assert.That(TilePlanner.PagedType(TensorType.F32, AdapterWeightType.BaseType, TensorType.F32), Is.EqualTo(TensorType.F32));
            Assert.That(TilePlanner.PagedType(TensorType.F32, AdapterWeightType.AsStored, TensorType.BF16), Is.EqualTo(TensorType.F32));
            Assert.That(TilePlanner.PagedType(TensorType.F16, AdapterWeightType.BaseType, TensorType.BF16), Is.EqualTo(TensorType.F16));
            Assert.That(TilePlanner.PagedType(TensorType.BF16, AdapterWeightType.BaseType, TensorType.F32), Is.EqualTo(TensorType.BF16));
        });
    }

    [TestCase(1000)]
    [TestCase(960)]
    [TestCase(1L << 31)]
    public void A_page_that_cannot_hold_tiles_is_refused(long pageBytes) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        TilePlanner.Plan(
            ImmutableArray.Create(Module(0, 1, 1, 1, TensorType.F32)), 1, pageBytes, AdapterWeightType.AsStored, TensorType.F32));

    internal static ImmutableArray<AdapterModule> Modules(Plan plan)
    {
        var random = new Random(plan.Seed);
        var modules = ImmutableArray.CreateBuilder<AdapterModule>();
        if (plan.Vocabulary > 0)
        {
            modules.Add(Module(0, random.Next(1, Math.Min(plan.Rank, 20) + 1), plan.Vocabulary, plan.Columns, Type()));
        }

        for (int more = random.Next(1, 5); more > 0; more--)
        {
            modules.Add(Module(modules.Count, random.Next(1, plan.Rank + 1), plan.Columns, plan.Outputs, Type()));
        }

        return modules.ToImmutable();

        TensorType Type() => (TensorType[])[TensorType.F32, TensorType.F16, TensorType.BF16] is var types ? types[random.Next(3)] : default;
    }

    private static AdapterModule Module(int index, int rank, int inFeatures, int outFeatures, TensorType type)
    {
        var target = new TargetModule
        {
            Index = index,
            Name = $"module.{index}",
            Kind = TargetKind.Linear,
            Layer = index,
            InFeatures = inFeatures,
            OutFeatures = outFeatures
        };
        return new AdapterModule(
            target,
            rank,
            0.5f,
            new TensorEntry("a", type, [rank, inFeatures], 0, (long)rank * inFeatures * type.ElementSize()),
            new TensorEntry("b", type, [outFeatures, rank], 0, (long)rank * outFeatures * type.ElementSize()));
    }

    private static void CheckMatrix(MatrixTiles matrix, int rows, int columns, Plan plan, List<(long Begin, long End)> used)
    {
        Assert.That((matrix.Rows, matrix.Columns), Is.EqualTo((rows, columns)));
        int size = matrix.Type.ElementSize();
        long pageBytes = plan.PageKiB * 1024L;
        (int row, int column, int height) = (0, 0, 0);
        foreach (Tile tile in matrix.Tiles)
        {
            // In order, each beginning where the last one ended: together that is every element once.
            Assert.That((tile.FirstRow, tile.FirstColumn), Is.EqualTo((row, column)));
            Assert.That(tile.Rows, Is.InRange(1, 16));
            Assert.That(column == 0 || tile.Rows == height, "all spans of a group have its rows");
            height = tile.Rows;
            column += tile.Columns;
            Assert.That(column == columns || tile.Columns % 32 == 0, "all spans but the last are whole");
            if (column == columns)
            {
                (row, column) = (row + tile.Rows, 0);
            }

            Assert.That(tile.Offset % 64, Is.Zero);
            long end = tile.Offset + ((long)tile.Rows * tile.Columns * size);
            Assert.That(end, Is.LessThanOrEqualTo(pageBytes), "a tile crosses its page");
            used.Add(((tile.Page * pageBytes) + tile.Offset, (tile.Page * pageBytes) + end));
        }

        Assert.That((row, column), Is.EqualTo((rows, 0)));
    }
}
