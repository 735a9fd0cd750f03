using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

internal sealed class ElementComparisonTests
{
    // More than one block of the comparison; every value is exact in all three types.
    private static readonly float[] Values = [.. Enumerable.Range(0, 10_000).Select(at => (at % 255) - 127f)];

    [Test]
    public void Equal_values_are_equal_in_any_two_types()
    {
        foreach ((TensorType own, TensorType copy) in Pairs())
        {
            Assert.That(Compare(own, Values, copy, Values), Is.EqualTo(-1), $"{own} {copy}");
        }
    }

    [Test]
    public void The_first_difference_is_told()
    {
        foreach ((TensorType own, TensorType copy) in Pairs())
        {
            foreach (int place in (int[])[0, 4095, 4096, 9_999])
            {
                float[] changed = [.. Values];
                changed[place] = 200;
                Assert.That(Compare(own, Values, copy, changed), Is.EqualTo(place), $"{own} {copy}");
            }
        }
    }

    [Test]
    public void Both_zeros_are_equal_and_a_copy_that_was_not_rounded_is_not()
    {
        Assert.That(Compare(TensorType.F32, [0f], TensorType.F32, [-0f]), Is.EqualTo(-1));
        Assert.That(Compare(TensorType.BF16, [1.001f], TensorType.F32, [1.001f]), Is.EqualTo(0));
    }

    [Test]
    public void A_copy_of_blocks_is_compared_with_the_values_that_they_mean([Values(-1, 0, 4095, 4096, 9_983)] int place)
    {
        var random = new Random(3);
        byte[] blocks = RandomBlocks.Make(WeightFormat.Q8_0, 9_984, () => (random.NextSingle() * 2) - 1);
        var copy = new float[9_984];
        WeightFormat.Q8_0.Widen(blocks, copy);
        if (place >= 0)
        {
            copy[place] += 1;
        }

        byte[] bytes = TestAdapter.Bytes(TensorType.F32, copy);
        Assert.That(ElementComparison.FirstDifference(WeightFormat.F32, bytes, WeightFormat.Q8_0, blocks), Is.EqualTo(place));
        Assert.That(ElementComparison.FirstDifference(WeightFormat.Q8_0, blocks, WeightFormat.F32, bytes), Is.EqualTo(place));
    }

    private static IEnumerable<(TensorType, TensorType)> Pairs()
    {
        TensorType[] types = [TensorType.F32, TensorType.F16, TensorType.BF16];
        return types.SelectMany(own => types.Select(copy => (own, copy)));
    }

    private static long Compare(TensorType own, float[] weight, TensorType type, float[] copy) =>
        ElementComparison.FirstDifference(
            WeightFormat.Of(own)!, TestAdapter.Bytes(own, weight), WeightFormat.Of(type)!, TestAdapter.Bytes(type, copy));
}
