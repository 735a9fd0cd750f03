using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

public sealed class ComparisonsTests
{
    [SeededProperty(MaxTest = 50)]
    public void They_find_what_a_scalar_comparison_finds(int seed)
    {
        var random = new Random(seed);
        float[] pool = [-1f, -0f, 0f, 0.5f, 1f, float.NaN, float.NegativeInfinity, float.PositiveInfinity];
        float[] values = [.. Enumerable.Range(0, 40).Select(_ => pool[random.Next(pool.Length)])];
        float bound = pool[random.Next(5)];
        int start = random.Next(values.Length - Comparisons.Count + 1);
        uint greater = 0, greaterOrEqual = 0, equal = 0;
        for (int i = 0; i < Comparisons.Count; i++)
        {
            float value = values[start + i];
            greater |= value > bound ? 1u << i : 0;
            greaterOrEqual |= value >= bound ? 1u << i : 0;
            equal |= value == bound ? 1u << i : 0;
        }

        Assert.That(Comparisons.Greater(values, start, bound), Is.EqualTo(greater));
        Assert.That(Comparisons.GreaterOrEqual(values, start, bound), Is.EqualTo(greaterOrEqual));
        Assert.That(Comparisons.Equal(values, start, bound), Is.EqualTo(equal));
    }

    [SeededProperty(MaxTest = 50)]
    public void Sums_of_weights_have_the_bits_of_eight_lanes(int seed)
    {
        var random = new Random(seed);
        float[] weights = [.. Enumerable.Range(0, random.Next(0, 600)).Select(_ => random.NextSingle())];
        int whole = weights.Length / 16 * 16;
        var lanes = new double[8];
        for (int i = 0; i < whole; i++)
        {
            lanes[i % 8] += weights[i];
        }

        double expected = 0;
        foreach (double lane in lanes)
        {
            expected += lane;
        }

        for (int i = whole; i < weights.Length; i++)
        {
            expected += weights[i];
        }

        Assert.That(Softmax.SumOf(weights), Is.EqualTo(expected));
    }
}
