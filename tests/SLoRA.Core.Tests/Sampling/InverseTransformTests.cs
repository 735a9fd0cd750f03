using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class InverseTransformTests
{
    private const double JustBelowOne = 1 - (1.0 / (1L << 53));

    [Test]
    public void Numbers_map_to_tokens_in_the_order_of_ids()
    {
        Candidates candidates = Weighed([0, float.NegativeInfinity, 0, 0, 0]);
        int[] tokens = [.. new[] { 0, 0.2499, 0.25, 0.4999, 0.5, 0.75, JustBelowOne }.Select(u => InverseTransform.Draw(candidates, u))];
        Assert.That(tokens, Is.EqualTo(new[] { 0, 0, 2, 2, 3, 4, 4 }));
    }

    [SeededProperty(MaxTest = 100)]
    public void No_number_draws_a_token_without_weight(int seed)
    {
        Random random = new(seed);
        int size = random.Next(1, 3000);
        float[] logits = new float[size];
        int possible = random.Next(size);
        for (int i = 0; i < size; i++)
        {
            logits[i] = i == possible || random.Next(50) == 0 ? 0 : float.NegativeInfinity;
        }

        Candidates candidates = Weighed(logits);
        int last = -1;
        foreach (double u in new[] { 0, 0.1, random.NextDouble(), 1, JustBelowOne }.Select(u => Math.Min(u, JustBelowOne)).Order())
        {
            int token = InverseTransform.Draw(candidates, u);
            Assert.That(logits[token], Is.Zero);
            Assert.That(token, Is.GreaterThanOrEqualTo(last), "a larger number never draws a lower id");
            last = token;
        }
    }

    private static Candidates Weighed(float[] logits)
    {
        Candidates candidates = new(logits.Length);
        candidates.Load(logits);
        Temperature.Apply(candidates.Logits, 1);
        Softmax.Weigh(candidates);
        return candidates;
    }
}
