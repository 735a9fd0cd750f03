using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class PowerOfTwoTests
{
    [Test]
    public void It_is_within_one_unit_in_the_last_place_and_within_two_where_products_are_rounded()
    {
        for (float x = -64; x <= 0; x += 0.00061f)
        {
            double expected = Math.Pow(2, x);
            double unit = MathF.BitIncrement((float)expected) - (float)expected;
            Assert.That(PowerOfTwo.Of(x), Is.EqualTo(expected).Within((ScalarSum.IsFused ? 1 : 2) * unit), $"2^{x}");
        }
    }

    [Test]
    public void The_largest_weight_is_one_the_least_is_next_to_nothing_and_what_is_no_number_stays_none()
    {
        Assert.That(PowerOfTwo.Of(0f), Is.EqualTo(1f));
        Assert.That(PowerOfTwo.Of(-3f), Is.EqualTo(0.125f));
        Assert.That(PowerOfTwo.Of(-64f), Is.EqualTo(MathF.ScaleB(1, -64)));
        Assert.That(PowerOfTwo.Of(-1000f), Is.EqualTo(MathF.ScaleB(1, -64)));
        Assert.That(PowerOfTwo.Of(float.NegativeInfinity), Is.EqualTo(MathF.ScaleB(1, -64)));
        Assert.That(PowerOfTwo.Of(float.NaN), Is.NaN);
    }
}
