using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class BlockSoftmaxTests
{
    private const int Columns = 16;
    private const int Queries = 40;
    private const float Scale = 0.3f;

    [SeededProperty]
    public void Weights_are_exponentials_under_the_largest_score_so_far_and_sums_follow_it(int seed)
    {
        var random = new Random(seed);
        int query = random.Next(8);
        int queries = random.Next(1, Queries - query);
        int from = random.Next(AttentionScratch.Block);
        int to = random.Next(from + 1, AttentionScratch.Block + 1);
        using var memory = new AlignedMemory(sizeof(float) * AttentionScratch.FloatsFor(Queries, Columns));
        AttentionScratch scratch = Fill(memory, random);
        float[] scores = new Span<float>(scratch.Scores, Queries * AttentionScratch.Block).ToArray();
        float[] maxima = new Span<float>(scratch.Maxima, Queries).ToArray();
        BlockSoftmax.Weigh(query, queries, from, to, scratch, Attention(), Columns);
        for (int q = 0; q < Queries; q++)
        {
            if (q < query || q >= query + queries)
            {
                Assert.That(scratch.Maxima[q], Is.EqualTo(maxima[q]));
                Assert.That(scratch.Sums[q * Columns], Is.EqualTo(2));
                Assert.That(scratch.Scores[q * AttentionScratch.Block], Is.EqualTo(scores[q * AttentionScratch.Block]));
                continue;
            }

            float[] seen = [.. scores.Skip((q * AttentionScratch.Block) + from).Take(to - from).Select(static score => score * Scale)];
            float maximum = Math.Max(maxima[q], seen.Max());
            double factor = float.IsNegativeInfinity(maxima[q]) ? 0 : Math.Exp(maxima[q] - maximum);
            Assert.That(scratch.Maxima[q], Is.EqualTo(maximum));
            Assert.That(scratch.Sums[(q * Columns) + 5], Is.EqualTo(2 * factor).Within(1e-6));
            double weights = 16 * factor;
            for (int i = from; i < to; i++)
            {
                double weight = Math.Exp(seen[i - from] - maximum);
                weights += weight;
                Assert.That(scratch.Scores[(q * AttentionScratch.Block) + i], Is.EqualTo(weight).Within(1e-6));
            }

            Assert.That(new Span<float>(scratch.Weights + (q * 16), 16).ToArray().Sum(), Is.EqualTo(weights).Within(1e-4));
        }
    }

    [Test]
    public void A_score_that_is_no_number_spoils_its_query_alone_and_only_where_it_is_seen()
    {
        using var memory = new AlignedMemory(sizeof(float) * AttentionScratch.FloatsFor(Queries, Columns));
        AttentionScratch scratch = Fill(memory, new Random(3));
        scratch.Scores[AttentionScratch.Block + 7] = float.NaN;
        scratch.Scores[(2 * AttentionScratch.Block) + 40] = float.NaN;
        BlockSoftmax.Weigh(0, 4, 0, 40, scratch, Attention(), Columns);
        bool[] spoilt =
            [.. Enumerable.Range(0, 4).Select(q => float.IsNaN(new Span<float>(scratch.Weights + (q * 16), 16).ToArray().Sum()))];
        Assert.That(spoilt, Is.EqualTo(new[] { false, true, false, false }));
    }

    private static GroupedAttention Attention() => new() { Heads = 1, KeyValueHeads = 1, HeadDim = Columns, ScoreScale = Scale };

    /// <summary>Random scores; every third query has seen nothing yet; sums of 2, weights of 1 in each lane.</summary>
    private static AttentionScratch Fill(AlignedMemory memory, Random random)
    {
        var scratch = new AttentionScratch(memory.Floats, Queries, Columns);
        for (int i = 0; i < Queries * AttentionScratch.Block; i++)
        {
            scratch.Scores[i] = (float)((random.NextDouble() * 20) - 10);
        }

        for (int q = 0; q < Queries; q++)
        {
            scratch.Maxima[q] = q % 3 == 0 ? float.NegativeInfinity : (float)((random.NextDouble() * 4) - 2);
        }

        new Span<float>(scratch.Sums, Queries * Columns).Fill(2);
        new Span<float>(scratch.Weights, Queries * 16).Fill(1);
        return scratch;
    }
}
