using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Packing;

/// <summary>What adapters share that look alike.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterShapesTests
{
    private static readonly ImmutableArray<TargetModule> Targets = TestAdapter.Model(layers: 30, inFeatures: 64, outFeatures: 48);

    [Test]
    public void Adapters_with_equal_modules_share_their_shape_and_others_do_not()
    {
        var shapes = new AdapterShapes(Targets.Length, 1 << 16, AdapterWeightType.AsStored, TensorType.F32);
        ImmutableArray<AdapterModule> modules = Describe(rank: 4, seed: 1).Modules;
        AdapterShape shape = shapes.Of(modules);

        Assert.That(shapes.Of(Describe(rank: 4, seed: 2).Modules), Is.SameAs(shape), "the values do not matter");
        Assert.That(shapes.Of(Describe(rank: 5, seed: 1).Modules), Is.Not.SameAs(shape));
        Assert.That(shapes.Of(modules.Select(module => module with { Scale = 7 }).ToImmutableArray()), Is.Not.SameAs(shape));
        Assert.That(shapes.Of(modules[1..]), Is.Not.SameAs(shape));
        Assert.That(shapes.Of(new AdapterParts(modules, [], [7, 9])), Is.Not.SameAs(shape), "what it begins to act at matters");
        Assert.That(
            shapes.Of(new AdapterParts(modules, [new AdapterChange(modules[0].Target) { Magnitude = modules[0].A }], [])),
            Is.Not.SameAs(shape));
        Assert.That(shape.DirectoryOf(modules), Is.SameAs(shape.DirectoryOf(modules)));
        Assert.That(shape.DirectoryOf(modules).PageCount, Is.EqualTo(shape.PageCount));
        GC.KeepAlive(shape);
    }

    private static AdapterDescription Describe(int rank, int seed) =>
        AdapterDescription.Read(TestAdapter.For(Targets, _ => rank, _ => TensorType.F32, seed).InMemory(), Targets);
}
