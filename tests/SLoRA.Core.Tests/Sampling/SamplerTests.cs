using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SamplerTests
{
    private const double Tolerance = 1e-6;

    [TestCaseSource(typeof(SamplingCases), nameof(SamplingCases.All))]
    public void Probabilities_are_those_of_the_fixture(SamplingCase sampled)
    {
        double[] actual = Probabilities(sampled.Options, sampled.Logits, sampled.Prompt, sampled.Generated);
        double largestError = actual.Zip(sampled.Probabilities, (a, e) => Math.Abs(a - e)).Max();
        TestContext.Out.WriteLine($"largest error {largestError:e2}");
        Assert.That(largestError, Is.LessThanOrEqualTo(Tolerance));
        for (int token = 0; token < actual.Length; token++)
        {
            Assert.That((float)actual[token] == 0, Is.EqualTo(sampled.Probabilities[token] == 0), $"token {token} is removed");
        }
    }

    [SeededProperty(MaxTest = 400)]
    public void Any_options_give_the_specified_distribution(int seed)
    {
        Random random = new(seed);
        int size = random.Next(1, 700);
        float[] logits = RandomLogits.Row(random, size);
        int[] prompt = RandomLogits.Tokens(random, size, 30), generated = RandomLogits.Tokens(random, size, 30);
        SamplingOptions options = RandomLogits.Options(random, size);

        double[] expected = SpecifiedDistribution.Of(logits, prompt, generated, options);
        double[] actual = Probabilities(options, logits, prompt, generated);
        for (int token = 0; token < size; token++)
        {
            Assert.That(actual[token], Is.EqualTo(expected[token]).Within(3e-6), $"token {token} of {options}");
        }
    }

    [SeededProperty(MaxTest = 24)]
    public void Samples_follow_the_specified_distribution(int seed)
    {
        const int Draws = 20_000;
        Random random = new(seed);
        float[] logits = RandomLogits.Row(random, 60);
        SamplingOptions options = RandomLogits.Options(random, 60) with
        {
            PresencePenalty = 0,
            FrequencyPenalty = 0,
            RepetitionPenalty = 1,
        };
        double[] expected = SpecifiedDistribution.Of(logits, [], [], options);
        SamplingScratch scratch = new(60);
        Sampler sampler = new(options, unchecked((ulong)seed), 0, Draws);
        int[] tokens = new int[Draws];
        int[] byIndex = new int[60], bySeed = new int[60], byContinuation = new int[60];
        for (int i = 0; i < Draws; i++)
        {
            byIndex[sampler.Next(logits, tokens.AsSpan(0, i), scratch)]++;
            bySeed[new Sampler(options, (ulong)i, 0, 1).Next(logits, [], scratch)]++;
            byContinuation[new Sampler(options, unchecked((ulong)seed), 0, 1, i).Next(logits, [], scratch)]++;
        }

        foreach (int[] counts in new[] { byIndex, bySeed, byContinuation })
        {
            Assert.That(ChiSquare.Deviation(counts, expected), Is.LessThan(4.5));
            for (int token = 0; token < counts.Length; token++)
            {
                Assert.That(counts[token] == 0 || expected[token] > 0, $"token {token} has no probability and was drawn");
            }
        }
    }

    [SeededProperty(MaxTest = 60)]
    public void A_seed_repeats_its_tokens_whatever_else_is_sampled_between(int seed)
    {
        Random random = new(seed);
        int size = random.Next(2, 300);
        SamplingOptions options = RandomLogits.Options(random, size);
        int[] prompt = RandomLogits.Tokens(random, size, 10);
        float[][] rows = [.. Enumerable.Range(0, 12).Select(_ => RandomLogits.Row(random, size))];

        int[] alone = Generate(options, prompt, rows, new SamplingScratch(size), between: null);
        SamplingScratch shared = new(size);
        Sampler other = new(RandomLogits.Options(random, size), 3, 0, 1);
        int[] mixed = Generate(options, prompt, rows, shared, between: () => other.Next(rows[0], [], shared));
        Assert.That(mixed, Is.EqualTo(alone));
    }

    [Test]
    public void Seeds_and_continuations_differ()
    {
        float[][] rows = [.. Enumerable.Repeat(new float[500], 20)];
        SamplingOptions options = new() { Temperature = 1 };
        SamplingScratch scratch = new(500);
        int[][] streams =
        [
            Generate(options, [], rows, scratch, between: null, seed: 1),
            Generate(options, [], rows, scratch, between: null, seed: 2),
            Generate(options, [], rows, scratch, between: null, seed: 1, continuation: 1),
        ];
        Assert.That(streams.Select(stream => string.Join(' ', stream)).Distinct().Count(), Is.EqualTo(3));
        Assert.That(streams[0].Distinct().Count(), Is.GreaterThan(10), "the index of the token counts");
    }

    [SeededProperty(MaxTest = 100)]
    public void Temperature_zero_takes_the_first_of_the_largest_after_penalties_and_bias(int seed)
    {
        Random random = new(seed);
        int size = random.Next(1, 300);
        float[] logits = RandomLogits.Row(random, size);
        int[] prompt = RandomLogits.Tokens(random, size, 10), generated = RandomLogits.Tokens(random, size, 10);
        SamplingOptions options = RandomLogits.Options(random, size);
        SamplingOptions unfiltered = options with { Temperature = 1, TopK = 0, TopP = 1, MinP = 0 };
        double[] expected = SpecifiedDistribution.Of(logits, prompt, generated, unfiltered);
        Sampler sampler = new(options with { Temperature = 0 }, 0, prompt.Length, 10);
        int token = sampler.Next(logits, [.. prompt, .. generated], new SamplingScratch(size));
        Assert.That(expected[token], Is.EqualTo(expected.Max()).Within(1e-6));
        if (options is { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0, LogitBias: null })
        {
            Assert.That(token, Is.EqualTo(Array.IndexOf(logits, logits.Max())));
        }
    }

    [TestCase(0f)]
    [TestCase(1f)]
    public void The_logits_given_are_not_changed(float temperature)
    {
        float[] logits = RandomLogits.Row(new Random(4), 100);
        float[] copy = [.. logits];
        SamplingOptions options = new()
        {
            Temperature = temperature,
            RepetitionPenalty = 2,
            LogitBias = new Dictionary<int, float> { [1] = 3 },
            TopP = 0.5f,
        };
        new Sampler(options, 0, 3, 1).Next(logits, [1, 2, 3], new SamplingScratch(100));
        Assert.That(logits, Is.EqualTo(copy));
    }

    [TestCase(float.Epsilon)]
    [TestCase(1e-38f)]
    [TestCase(float.MaxValue)]
    public void No_temperature_overflows(float temperature)
    {
        SamplingOptions options = new() { Temperature = temperature };
        double[] actual = Probabilities(options, [-3e38f, 3e38f, 0, 3e38f], [], []);
        Assert.That(actual.Sum(), Is.EqualTo(1).Within(1e-12));
        Assert.That(actual[1], Is.EqualTo(actual[3]).And.GreaterThan(0.2));
    }

    [Test]
    public void The_history_grows_with_the_tokens_that_are_handed_in()
    {
        SamplingOptions options = new() { FrequencyPenalty = 1 };
        Sampler sampler = new(options, 0, 2, 100);
        float[] logits = [0, 2.5f, 0, 1];
        SamplingScratch scratch = new(4);
        List<int> tokens = [1, 1];
        for (int i = 0; i < 6; i++)
        {
            tokens.Add(sampler.Next(logits, tokens.ToArray(), scratch));
        }

        // 1 falls from 2.5 by one each time; at 0.5 token 3 (at 1) comes first, then 1 again, then the tie of 0 and 3 at 0 goes to 0.
        Assert.That(tokens.Skip(2), Is.EqualTo(new[] { 1, 1, 3, 1, 0, 2 }));
    }

    internal static double[] Probabilities(SamplingOptions options, ReadOnlySpan<float> logits, int[] prompt, int[] generated)
    {
        Sampler sampler = new(options, 0, prompt.Length, generated.Length + 1);
        Candidates left = sampler.Distribution(logits, [.. prompt, .. generated], new SamplingScratch(logits.Length));
        double[] probabilities = new double[logits.Length];
        for (int i = 0; i < left.Count; i++)
        {
            probabilities[left.TokenAt(i)] = left.Weights[i] / left.Total;
        }

        return probabilities;
    }

    private static int[] Generate(
        SamplingOptions options,
        int[] prompt,
        float[][] rows,
        SamplingScratch scratch,
        Action? between,
        ulong seed = 42,
        int continuation = 0)
    {
        Sampler sampler = new(options, seed, prompt.Length, rows.Length, continuation);
        List<int> tokens = [.. prompt];
        foreach (float[] row in rows)
        {
            between?.Invoke();
            tokens.Add(sampler.Next(row, tokens.ToArray(), scratch));
        }

        return [.. tokens.Skip(prompt.Length)];
    }
}
