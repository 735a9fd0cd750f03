using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class LogProbabilitiesTests
{
    [SeededProperty(MaxTest = 200)]
    public void The_models_own_are_the_log_softmax_of_the_logits_whatever_the_options(int seed)
    {
        Random random = new(seed);
        int size = random.Next(1, 700);
        float[] logits = RandomLogits.Row(random, size);
        SamplingOptions options = RandomLogits.Options(random, size) with { Temperature = random.Next(2) };
        double[] expected = [.. SpecifiedDistribution.Softmax([.. logits.Select(logit => (double)logit)]).Select(p => Math.Log(p))];
        Check(random, options, LogProbabilitySource.Model, logits, expected);
    }

    [SeededProperty(MaxTest = 200)]
    public void Processed_ones_are_those_of_the_distribution_that_was_drawn_from(int seed)
    {
        Random random = new(seed);
        int size = random.Next(1, 700);
        float[] logits = RandomLogits.Row(random, size);
        SamplingOptions options = RandomLogits.Options(random, size);
        double[] expected = [.. SpecifiedDistribution.Of(logits, [], [], options).Select(p => Math.Log(p))];
        Check(random, options, LogProbabilitySource.Processed, logits, expected);
    }

    [Test]
    public void Processed_ones_of_a_greedy_request_show_penalties_and_bias_only()
    {
        SamplingOptions options = new() { TopK = 1, MinP = 1, LogitBias = new Dictionary<int, float> { [1] = 2 } };
        double[] expected = [.. SpecifiedDistribution.Softmax([0, 3, 0.5]).Select(p => Math.Log(p))];
        Check(new Random(1), options, LogProbabilitySource.Processed, [0, 1, 0.5f], expected);
    }

    [Test]
    public void Equal_ones_come_in_the_order_of_ids_and_the_lowest_ids_are_kept()
    {
        float[] logits = [.. Enumerable.Range(0, 100).Select(i => i % 3 == 1 ? 1f : 0f)];
        var top = new TokenLogProbability[40];
        LogProbabilities.OfLogits(logits, 0, top, out int count);
        Assert.That(count, Is.EqualTo(40));
        IEnumerable<int> expected = Enumerable.Range(0, 100).OrderByDescending(i => logits[i]).ThenBy(i => i).Take(40);
        Assert.That(top.Select(entry => entry.TokenId), Is.EqualTo(expected));
    }

    [Test]
    public void Large_logits_do_not_overflow_and_impossible_tokens_have_negative_infinity()
    {
        var top = new TokenLogProbability[3];
        float chosen = LogProbabilities.OfLogits([30000, float.NegativeInfinity, 30000], 1, top, out int count);
        Assert.That(chosen, Is.EqualTo(float.NegativeInfinity));
        Assert.That(count, Is.EqualTo(2));
        Assert.That(top[0], Is.EqualTo(new TokenLogProbability(0, -MathF.Log(2))));
    }

    [Test]
    public void A_logit_that_is_no_number_is_an_error()
    {
        Assert.Throws<InvalidLogitsException>(() => LogProbabilities.OfLogits([0, float.NaN], 0, [], out _));
    }

    private static void Check(Random random, SamplingOptions options, LogProbabilitySource source, float[] logits, double[] expected)
    {
        SamplingScratch scratch = new(logits.Length);
        Sampler sampler = new(options, unchecked((ulong)random.NextInt64()), 0, 1);
        int token = sampler.Next(logits, [], scratch);
        var top = new TokenLogProbability[Math.Min(logits.Length, random.Next(30))];
        float chosen = sampler.LogProbability(source, logits, scratch, token, top, out int count);
        AssertClose(chosen, expected[token]);

        Assert.That(count, Is.LessThanOrEqualTo(top.Length));
        double[] best = [.. expected.OrderDescending().Take(top.Length)];
        for (int i = 0; i < best.Length; i++)
        {
            // Below -80 the specification's own probability may have vanished already.
            if (best[i] > -80)
            {
                AssertClose(top[i].LogProbability, best[i]);
            }
        }

        for (int i = 0; i < count; i++)
        {
            AssertClose(top[i].LogProbability, expected[top[i].TokenId]);
            if (i > 0)
            {
                Assert.That(top[i].LogProbability, Is.LessThanOrEqualTo(top[i - 1].LogProbability));
            }
        }
    }

    // In parts of the value where that is large: a float has no more digits.
    private static void AssertClose(float actual, double expected) =>
        Assert.That(actual, Is.EqualTo(expected).Within(1e-4).Percent.Or.EqualTo(expected).Within(2e-5));
}
