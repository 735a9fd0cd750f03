using NUnit.Framework;
using SLoRA.Core.Bench.Workload;

namespace SLoRA.Core.Tests.Bench;

/// <summary>The expected numbers are those of numpy 1.24.2: S-LoRA's generator with seed 42.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
internal sealed class WorkloadTests
{
    [TestCase(200, 1, 2, 1, 300, new[] { 74, 190, 146, 119, 31, 31, 11, 173 }, new[] { 12, 473, 99, 177, 324, 29, 412, 333 },
        new[] { 410, 43, 292, 195, 89, 9, 392, 310 }, new[] { .159846, 2.925764, .277721, .300181 }, 301.005)]
    [TestCase(200, 0.3, 2, 1, 300, new[] { 7, 168, 70, 36, 0, 0, 0, 123 }, new[] { 12, 473, 99, 177, 324, 29, 412, 333 },
        new[] { 410, 43, 292, 195, 89, 9, 392, 310 }, new[] { .159846, 2.925764, .277721, .300181 }, 301.005)]
    [TestCase(200, 1, 2, 4, 300, new[] { 74, 190, 146, 119, 31, 31, 11, 173 }, new[] { 12, 473, 99, 177, 324, 29, 412, 333 },
        new[] { 410, 43, 292, 195, 89, 9, 392, 310 }, new[] { .000000, .000009, .000000, .022996 }, 353.755)]
    [TestCase(400, 1, 6, 1, 300, new[] { 149, 380, 292, 239, 62, 62, 23, 346 }, new[] { 140, 155, 284, 239, 321, 422, 373, 235 },
        new[] { 491, 468, 142, 235, 118, 314, 464, 167 }, new[] { .027489, .102181, .072110, .016412 }, 293.717)]
    [TestCase(200, 1, 10, 1, 300, new[] { 74, 190, 146, 119, 31, 31, 11, 173 }, new[] { 378, 320, 492, 335, 14, 213, 447, 382 },
        new[] { 228, 410, 414, 218, 32, 23, 189, 506 }, new[] { .142241, .011182, .070550, .168537 }, 284.943)]
    [TestCase(100, 1, 10, 1, 120, new[] { 37, 95, 73, 59, 15, 15, 5, 86 }, new[] { 388, 467, 14, 36, 402, 40, 141, 374 },
        new[] { 268, 357, 509, 359, 15, 327, 145, 45 }, new[] { .050324, .037572, .015907, .066914 }, 124.987)]
    [TestCase(32, 1, 2, 8, 120, new[] { 11, 30, 23, 19, 4, 4, 1, 27 }, new[] { 227, 165, 484, 53, 380, 13, 106, 387 },
        new[] { 387, 40, 424, 452, 186, 434, 108, 275 }, new[] { 0, 0, 1.234517, 0 }, 99.719)]
    public void Numbers_are_those_of_the_original(
        int adapters, double alpha, int rate, double variation, int seconds, int[] firstAdapters, int[] firstIn, int[] firstOut,
        double[] firstGaps, double lastArrival)
    {
        var random = new LegacyRandom(42);
        int count = rate * seconds;
        int[] chosen = [.. Enumerable.Range(0, count).Select(_ => (int)(random.NextPower(alpha) * adapters))];
        int[] prompts = [.. Enumerable.Range(0, count).Select(_ => random.NextInteger(8, 512))];
        int[] outputs = [.. Enumerable.Range(0, count).Select(_ => random.NextInteger(8, 512))];
        double[] gaps =
            [.. Enumerable.Range(0, count).Select(_ => random.NextGamma(1 / (variation * variation), variation * variation / rate))];

        Assert.Multiple(() =>
        {
            Assert.That(chosen[..8], Is.EqualTo(firstAdapters));
            Assert.That(prompts[..8], Is.EqualTo(firstIn));
            Assert.That(outputs[..8], Is.EqualTo(firstOut));
            Assert.That(gaps[..4], Is.EqualTo(firstGaps).Within(5e-7));
            Assert.That(gaps.Sum(), Is.EqualTo(lastArrival).Within(5e-4));
        });
    }

    [Test]
    public void Sums_of_the_first_row_are_those_of_the_original()
    {
        var random = new LegacyRandom(42);
        int distinct = Enumerable.Range(0, 600).Select(_ => (int)(random.NextPower(1) * 200)).ToHashSet().Count;
        int prompts = Enumerable.Range(0, 600).Sum(_ => random.NextInteger(8, 512));
        int outputs = Enumerable.Range(0, 600).Sum(_ => random.NextInteger(8, 512));

        Assert.That((distinct, prompts, outputs), Is.EqualTo((187, 153447, 155474)));
    }

    [TestCase(1.0)]
    [TestCase(0.0)]
    [TestCase(0.5)]
    public void Draws_follow_zipfs_law(double exponent)
    {
        const int Count = 20, Draws = 200_000;
        var zipf = new Zipf(Count, exponent);
        var random = new LegacyRandom(1);
        var counts = new int[Count];
        for (int i = 0; i < Draws; i++)
        {
            counts[zipf.Next(random)]++;
        }

        double norm = Enumerable.Range(1, Count).Sum(k => Math.Pow(k, -exponent));
        double chiSquare = 0;
        for (int k = 0; k < Count; k++)
        {
            double expected = Draws * Math.Pow(k + 1, -exponent) / norm;
            chiSquare += (counts[k] - expected) * (counts[k] - expected) / expected;
            Assert.That(zipf.Probability(k), Is.EqualTo(expected / Draws).Within(1e-12));
        }

        // 19 degrees of freedom: exceeded once in a thousand seeds.
        Assert.That(chiSquare, Is.LessThan(43.8));
    }

    [Test]
    public void A_trace_is_the_same_each_time_and_its_prompts_differ()
    {
        var first = new AdapterTrace(1000, 1);
        var second = new AdapterTrace(1000, 1);

        Assert.That(Enumerable.Range(0, 1000).Select(first.AdapterOf), Is.EqualTo(Enumerable.Range(0, 1000).Select(second.AdapterOf)));
        Assert.That(Enumerable.Range(0, 200).Select(i => string.Join(' ', AdapterTrace.PromptOf(i, 4, 49152))).Distinct()
            .Count(), Is.EqualTo(200));
        Assert.That(AdapterTrace.PromptOf(7, 16, 100), Is.EqualTo(AdapterTrace.PromptOf(7, 16, 100)).And.All.InRange(3, 99));
    }
}
