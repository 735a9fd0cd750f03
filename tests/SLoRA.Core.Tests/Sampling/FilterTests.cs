using NUnit.Framework;

namespace SLoRA.Core.Tests.Sampling;

/// <summary>What top-k, top-p and min-p promise, on rows with ties and forbidden tokens.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FilterTests
{
    [SeededProperty(MaxTest = 100)]
    public void Top_k_keeps_at_least_k_and_beyond_that_only_ties_with_the_kth(int seed)
    {
        (float[] logits, Random random) = RowWithoutForbidden(seed);
        int k = random.Next(1, logits.Length + 1);
        float least = logits.OrderDescending().ElementAt(k - 1);
        int[] kept = Kept(new SamplingOptions { Temperature = 1, TopK = k }, logits);
        Assert.That(kept, Is.EqualTo(Enumerable.Range(0, logits.Length).Where(token => logits[token] >= least)));
        Assert.That(kept, Has.Length.GreaterThanOrEqualTo(k));
    }

    [SeededProperty(MaxTest = 100)]
    public void Top_p_keeps_at_least_its_mass_and_no_token_that_it_could_spare(int seed)
    {
        (float[] logits, Random random) = RowWithoutForbidden(seed);
        float p = (float)Math.Clamp(random.NextDouble(), 1e-6, 1);
        double[] model = SpecifiedDistribution.Softmax([.. logits.Select(logit => (double)logit)]);
        int[] kept = Kept(new SamplingOptions { Temperature = 1, TopP = p }, logits);
        Assert.That(kept, Is.Not.Empty);
        Assert.That(kept.Sum(token => model[token]), Is.GreaterThan(p - 1e-6));
        if (kept.Length > 1)
        {
            Assert.That(kept.Sum(token => model[token]) - kept.Min(token => model[token]), Is.LessThan(p + 1e-6));
        }
    }

    [SeededProperty(MaxTest = 100)]
    public void Stricter_filters_keep_subsets(int seed)
    {
        (float[] logits, Random random) = RowWithoutForbidden(seed);
        float low = 0.02f + (random.NextSingle() * 0.4f), high = low + (random.NextSingle() * 0.5f);
        int k = random.Next(1, logits.Length);
        SamplingOptions plain = new() { Temperature = 1 };
        Assert.That(Kept(plain with { TopP = low }, logits), Is.SubsetOf(Kept(plain with { TopP = high }, logits)));
        Assert.That(Kept(plain with { MinP = high }, logits), Is.SubsetOf(Kept(plain with { MinP = low }, logits)));
        Assert.That(Kept(plain with { TopK = k }, logits), Is.SubsetOf(Kept(plain with { TopK = k + 1 }, logits)));
    }

    [TestCase(0.1f, 1)]
    [TestCase(0.2f, 2)]
    [TestCase(0.7f, 7)]
    [TestCase(0.8f, 8)]
    [TestCase(0.9f, 9)]
    [TestCase(0.95f, 10)]
    [TestCase(1e-30f, 1)]
    public void Top_p_takes_decimals_as_written_and_the_lowest_of_equal_ids(float p, int kept)
    {
        Assert.That(Kept(new SamplingOptions { Temperature = 1, TopP = p }, new float[10]), Is.EqualTo(Enumerable.Range(0, kept)));
    }

    [Test]
    public void Top_p_of_a_large_flat_row_is_exact()
    {
        const int Size = 50_000;
        float[] logits = [.. Enumerable.Range(0, Size).Select(i => (i * 7919 % Size) * 1e-6f)];
        int[] kept = Kept(new SamplingOptions { Temperature = 1, TopP = 0.6f }, logits);
        double[] expected = SpecifiedDistribution.Of(logits, [], [], new SamplingOptions { Temperature = 1, TopP = 0.6f });
        Assert.That(kept, Is.EqualTo(Enumerable.Range(0, Size).Where(token => expected[token] > 0)));
    }

    [Test]
    public void Zero_and_minus_zero_are_equal_logits()
    {
        float[] logits = [-0f, 0f, -0f, -5];
        Assert.That(Kept(new SamplingOptions { Temperature = 1, TopP = 0.4f }, logits), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(Kept(new SamplingOptions { Temperature = 1, TopK = 1 }, logits), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(Kept(new SamplingOptions { Temperature = 1, MinP = 1 }, logits), Is.EqualTo(new[] { 0, 1, 2 }));
    }

    private static (float[] Logits, Random Random) RowWithoutForbidden(int seed)
    {
        Random random = new(seed);
        float[] row = RandomLogits.Row(random, random.Next(2, 500));
        return ([.. row.Select(logit => Math.Max(logit, -20))], random);
    }

    private static int[] Kept(SamplingOptions options, float[] logits)
    {
        double[] probabilities = SamplerTests.Probabilities(options, logits, [], []);
        return [.. Enumerable.Range(0, logits.Length).Where(token => probabilities[token] > 0)];
    }
}
