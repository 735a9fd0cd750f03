using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters.Intake;

internal sealed class WeightScanTests
{
    [Test]
    public void One_bad_element_is_found_at_every_place_and_of_every_kind(
        [Values] bool negative, [Values(float.NaN, float.PositiveInfinity)] float bad,
        [Values(TensorTypeName.F32, TensorTypeName.F16, TensorTypeName.BF16)] TensorTypeName name)
    {
        TensorType type = Enum.Parse<TensorType>(name.ToString());
        for (int length = 1; length < 70; length++)
        {
            for (int at = 0; at < length; at++)
            {
                float[] values = [.. Enumerable.Range(0, length).Select(index => index - 30f)];
                values[at] = negative ? -bad : bad;
                byte[] bytes = TestAdapter.Bytes(type, values);
                Assert.That(WeightScan.IsNotFinite(type, WeightScan.LargestBits(type, bytes)), Is.True);
                Assert.That(WeightScan.IndexOfNotFinite(type, bytes), Is.EqualTo(at));
            }
        }
    }

    [SeededProperty]
    public Property The_largest_bits_are_those_of_the_largest_magnitude(float[] values)
    {
        float[] finite = [.. values.Where(float.IsFinite)];
        uint expected = finite.Length == 0 ? 0 : BitConverter.SingleToUInt32Bits(finite.Max(Math.Abs));
        return (WeightScan.LargestBits(TensorType.F32, TestAdapter.Bytes(TensorType.F32, finite)) == expected).ToProperty();
    }

    [Test]
    public void The_largest_finite_values_pass()
    {
        Assert.That(WeightScan.IsNotFinite(TensorType.F32, BitConverter.SingleToUInt32Bits(float.MaxValue)), Is.False);
        Assert.That(WeightScan.IsNotFinite(TensorType.F16, BitConverter.HalfToUInt16Bits(Half.MaxValue)), Is.False);
        Assert.That(WeightScan.IsNotFinite(TensorType.BF16, 0x7F7F), Is.False);
    }

    /// <summary>The names of the types, since the enumeration itself is internal.</summary>
    public enum TensorTypeName
    {
        F32,
        F16,
        BF16,
    }
}
