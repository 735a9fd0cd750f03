using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>How the Cpu rounds what it keeps of a token to 8 bits, beside the formula.</summary>
public sealed unsafe class I8ElementsTests
{
    [SeededProperty(MaxTest = 60)]
    public void Integers_are_numbers_over_the_scale_rounded_to_nearest_even(int seed)
    {
        var random = new Random(seed);
        float size = MathF.Pow(10, random.Next(-20, 20));
        float[] numbers = [.. Enumerable.Range(0, random.Next(1, 100)).Select(_ => (float)((random.NextDouble() * 2) - 1) * size)];
        (float scale, sbyte[] integers) = Store(numbers, step: random.Next(1, 40));

        float largest = numbers.Max(MathF.Abs);
        Assert.That(scale, Is.EqualTo(largest / 127));
        Assert.That(integers, Is.EqualTo(numbers.Select(x => (sbyte)MathF.Round(x * (127 / largest), MidpointRounding.ToEven))));
        Assert.That(integers.Max(integer => Math.Abs((int)integer)), Is.EqualTo(127), "the largest number is the largest integer");
    }

    [Test]
    public void Halves_go_to_the_even_integer([Values(1, 16)] int step)
    {
        // A scale of 1. The loop over 16 numbers and the one over what is left behind them.
        float[] numbers = [127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, 3, 3, 3, 3, 3, 3, 3, 3, 0.5f, 1.5f, -2.5f];
        (float scale, sbyte[] integers) = Store(numbers, step);

        Assert.That(scale, Is.EqualTo(1));
        Assert.That(integers, Is.EqualTo(new sbyte[] { 127, 0, 2, 2, 0, -2, -2, 126, 3, 3, 3, 3, 3, 3, 3, 3, 0, 2, -2 }));
    }

    [Test]
    public void Zeros_and_numbers_too_small_for_an_inverse_scale_are_zeros([Values(0, -0f, 1e-38f, float.Epsilon)] float number)
    {
        (float scale, sbyte[] integers) = Store([.. Enumerable.Repeat(number, 40)], step: 1);

        Assert.That((scale, integers.All(integer => integer == 0)), Is.EqualTo((0f, true)));
    }

    [Test]
    public void A_number_that_is_not_finite_is_not_hidden(
        [Values(float.NaN, float.PositiveInfinity, float.NegativeInfinity)] float number, [Values(0, 17, 39)] int at)
    {
        float[] numbers = [.. Enumerable.Repeat(1f, 40)];
        numbers[at] = number;

        Assert.That(Store(numbers, step: 1).Scale, Is.NaN);
    }

    private static (float Scale, sbyte[] Integers) Store(float[] numbers, int step)
    {
        var bytes = new byte[numbers.Length * step];
        fixed (float* source = numbers)
        {
            fixed (byte* destination = bytes)
            {
                float scale = I8Elements.StoreRow(source, numbers.Length, destination, step);
                return (scale, [.. Enumerable.Range(0, numbers.Length).Select(i => (sbyte)bytes[i * step])]);
            }
        }
    }
}
