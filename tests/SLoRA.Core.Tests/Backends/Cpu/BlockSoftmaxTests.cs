using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class BlockSoftmaxTests
{
    private const int Columns = 16;

    [SeededProperty]
    public void Weights_are_powers_under_the_largest_score_so_far_and_sums_follow_it(int seed)
    {
        var random = new Random(seed);
        using var block = new RandomBlock(random, Columns);
        AttentionScratch scratch = block.Scratch;
        AttentionTask task = block.Task;
        float[] scores = Copy(scratch.Scores, task.Queries * 64), maxima = Copy(scratch.Maxima, task.Queries);
        bool hasScales = random.Next(2) == 0;
        if (hasScales)
        {
            BlockSoftmax.Weigh<I8Elements>(block.Seen, task.Group, scratch, cap: null, Columns);
        }
        else
        {
            BlockSoftmax.Weigh<F32Elements>(block.Seen, task.Group, scratch, cap: null, Columns);
        }

        for (int q = 0; q < task.Queries; q++)
        {
            int[] seen = block.SeenBy(q / task.Group);
            if (seen.Length == 0)
            {
                Assert.That(scratch.Maxima[q], Is.EqualTo(maxima[q]));
                Assert.That(scratch.Sums[q * Columns], Is.EqualTo(RandomBlock.Sum));
                Assert.That(Copy(scratch.Scores + (q * 64), 64), Is.EqualTo(scores[(q * 64)..((q + 1) * 64)]));
                continue;
            }

            float[] scaled = [.. seen.Select(i => scores[(q * 64) + i] * (hasScales ? scratch.KeyScales[i] : 1))];
            float maximum = Math.Max(maxima[q], scaled.Max());
            double factor = float.IsNegativeInfinity(maxima[q]) ? 0 : Math.Pow(2, maxima[q] - maximum);
            Assert.That(scratch.Maxima[q], Is.EqualTo(maximum));
            Assert.That(scratch.Sums[(q * Columns) + 5], Is.EqualTo(RandomBlock.Sum * factor).Within(1e-6));
            double weights = 16 * factor;
            foreach ((int i, float score) in seen.Zip(scaled))
            {
                double weight = Math.Pow(2, score - maximum);
                weights += weight;
                double expected = hasScales ? weight * scratch.ValueScales[i] : weight;
                Assert.That(scratch.Scores[(q * 64) + i], Is.EqualTo(expected).Within(1e-6), $"query {q}, position {i}");
            }

            Assert.That(Copy(scratch.Weights + (q * 16), 16).Sum(), Is.EqualTo(weights).Within(1e-4));
        }
    }

    [Test]
    public void A_bound_takes_scores_in_base_e()
    {
        using var block = new RandomBlock(new Random(1), Columns);
        block.Scratch.Maxima[0] = float.NegativeInfinity;
        int[] seen = block.SeenBy(0);
        float[] scores = Copy(block.Scratch.Scores, 64);
        BlockSoftmax.Weigh<F32Elements>(block.Seen, block.Task.Group, block.Scratch, cap: 5, Columns);
        double[] capped = [.. seen.Select(i => 5 * Math.Tanh(scores[i] / 5))];
        foreach ((int i, double score) in seen.Zip(capped))
        {
            Assert.That(block.Scratch.Scores[i], Is.EqualTo(Math.Exp(score - capped.Max())).Within(2e-6));
        }
    }

    [Test]
    public void A_score_that_is_no_number_spoils_its_query_alone_and_only_where_it_is_seen()
    {
        // Four rows of one query each, which see the first 40, 41, 42 and 43 positions.
        var task = new AttentionTask(0, 4, 39, 0, 0, 0, 1, 0, 1, -1);
        using var block = new RandomBlock(new Random(3), Columns, task);
        block.Scratch.Scores[64 + 7] = float.NaN;
        block.Scratch.Scores[(2 * 64) + 42] = float.NaN;
        BlockSoftmax.Weigh<F32Elements>(block.Seen, 1, block.Scratch, cap: null, Columns);
        bool[] spoilt = [.. Enumerable.Range(0, 4).Select(q => float.IsNaN(Copy(block.Scratch.Weights + (q * 16), 16).Sum()))];
        Assert.That(spoilt, Is.EqualTo(new[] { false, true, false, false }));
    }

    private static float[] Copy(float* from, int count) => new ReadOnlySpan<float>(from, count).ToArray();
}
