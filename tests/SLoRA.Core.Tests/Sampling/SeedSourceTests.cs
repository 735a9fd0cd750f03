using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SeedSourceTests
{
    [Test]
    public void A_request_keeps_its_own_seed()
    {
        SeedSource source = new();
        Assert.That(source.SeedFor(new SamplingOptions { Seed = 7 }), Is.EqualTo(7UL));
        Assert.That(source.SeedFor(new SamplingOptions { Seed = -1 }), Is.EqualTo(ulong.MaxValue));
    }

    [Test]
    public void Requests_without_a_seed_get_different_ones_that_repeat_with_the_engines_key()
    {
        ulong[] first = Draw(new SeedSource(9)), again = Draw(new SeedSource(9)), other = Draw(new SeedSource());
        Assert.That(first.Distinct().Count(), Is.EqualTo(first.Length));
        Assert.That(again, Is.EqualTo(first));
        Assert.That(other, Is.Not.EqualTo(first));
    }

    private static ulong[] Draw(SeedSource source) => [.. Enumerable.Range(0, 100).Select(_ => source.SeedFor(SamplingOptions.Greedy))];
}
