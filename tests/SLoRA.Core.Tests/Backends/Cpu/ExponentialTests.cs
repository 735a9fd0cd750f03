using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class ExponentialTests
{
    [Test]
    public void It_is_within_two_units_in_the_last_place_and_within_three_where_products_are_rounded()
    {
        for (float x = -87.25f; x < 88.2f; x += 0.00137f)
        {
            double expected = Math.Exp(x);
            double unit = MathF.BitIncrement((float)expected) - (float)expected;
            Assert.That(Exponential.Of(x), Is.EqualTo(expected).Within((ScalarSum.IsFused ? 2 : 3) * unit), $"e^{x}");
        }
    }

    [Test]
    public void It_is_zero_or_huge_for_far_arguments_and_never_undefined()
    {
        Assert.That(Exponential.Of(float.NegativeInfinity), Is.Zero);
        Assert.That(Exponential.Of(-1000f), Is.Zero);
        Assert.That(Exponential.Of(0f), Is.EqualTo(1f));
        Assert.That(Exponential.Of(float.PositiveInfinity), Is.GreaterThan(1e38f));
        Assert.That(Exponential.Of(float.NaN), Is.NaN);
    }
}
