using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class ArgMaxTests
{
    [SeededProperty(MaxTest = 300)]
    public void The_first_of_the_largest_is_taken(int seed)
    {
        Random random = new(seed);
        float[] logits = new float[random.Next(1, 130)];
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = random.Next(-4, 3);
        }

        Assert.That(ArgMax.Of(logits), Is.EqualTo(Array.IndexOf(logits, logits.Max())));
    }

    [Test]
    public void Zero_and_minus_zero_are_equal()
    {
        Assert.That(ArgMax.Of([-1, -0f, 0f, -0f]), Is.EqualTo(1));
        Assert.That(ArgMax.Of([-1, 0f, -0f]), Is.EqualTo(1));
    }
}
