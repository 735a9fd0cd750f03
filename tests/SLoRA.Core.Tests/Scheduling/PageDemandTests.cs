using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

[Parallelizable(ParallelScope.All)]
internal sealed class PageDemandTests
{
    // 20 + 13 − 1 tokens are computed at most: two pages of 16.
    private static readonly GenerationRequest Question = new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 13 };

    [Test]
    public void What_needs_more_pages_than_the_pool_has_is_refused_with_the_numbers()
    {
        using var scene = new RequestScene();
        Sequence fits = scene.New(Question);
        int adapterPages = scene.Registration.PageCount;

        Assert.That(scene.Demand.RefusalOf(fits), Is.Null);
        Assert.That(() => scene.Demand.RequireFits(64, []), Throws.Nothing);
        Assert.That(
            () => scene.Demand.RequireFits(65, []),
            Throws.TypeOf<RequestTooLargeException>().With.Property("CachePages").EqualTo(65).And.Property("TotalPages").EqualTo(64));
        Assert.That(
            () => scene.Demand.RequireFits(64, scene.New(Question with { Adapter = "r1" }).Request.Adapters),
            Throws.TypeOf<RequestTooLargeException>().With.Property("AdapterPages").EqualTo(adapterPages));
    }

    [Test]
    public void The_most_that_somebody_needs_is_looked_up_where_there_might_be_too_little_left()
    {
        using var scene = new RequestScene();
        int adapterPages = scene.Registration.PageCount;
        foreach (GenerationRequest request in (GenerationRequest[])[Question, Question with { Adapter = "r1" }])
        {
            scene.Needs.Note(scene.Add(request));
        }

        Assert.That(scene.Needs.Beside(scene.Registration.Generation!, 64), Is.EqualTo(2 + adapterPages), "an upper bound");
        Assert.That(
            scene.Needs.Beside(scene.Registration.Generation!, 2), Is.EqualTo(2), "without those of what is to be pinned");
    }
}
