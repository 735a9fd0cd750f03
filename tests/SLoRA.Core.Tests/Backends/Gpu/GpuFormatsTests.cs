using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Gpu;

public sealed class GpuFormatsTests
{
    /// <summary>Bits of a weight in rows of whole units: those of its code, and what 128 columns share.</summary>
    [TestCase("Q4_0", 4 + (4 * 16))]
    [TestCase("Q4_1", 5 + (4 * 32))]
    [TestCase("Q5_0", 5 + (4 * 16))]
    [TestCase("Q5_1", 5 + (4 * 32))]
    [TestCase("Q3_K", 6 + (8 * 8) + 32)]
    [TestCase("Q4_K", 4 + (4 * 16) + 32)]
    [TestCase("Q5_K", 5 + (4 * 16) + 32)]
    [TestCase("Q6_K", 6 + (8 * 8) + 32)]
    [TestCase("Q8_0", 8 + (4 * 16))]
    [TestCase("IQ4_NL", 8 + (4 * 16))]
    [TestCase("IQ4_XS", 8 + (4 * 32))]
    [TestCase("int4 with F16 scales", 4 + (4 * 16) + 32)]
    [TestCase("int4 with BF16 scales", 4 + (4 * 16) + 32)]
    public void Packed_weights_take_their_codes_and_scales(string name, int bits)
    {
        const int Rows = 3, Columns = 4096, Unit = 128;
        int code = bits % 16, shared = bits - code;
        WeightFormat format = PackedFormats.Of(name);
        Assert.Multiple(() =>
        {
            Assert.That(GpuFormats.Takes(format), Is.SameAs(format));
            Assert.That(
                GpuFormats.BytesOf(format, Rows, Columns), Is.EqualTo(Rows * Columns / Unit * ((Unit * code) + shared) / 8));
        });
    }

    /// <summary>A row of 96 columns takes a unit: 64 bytes of codes and 8 of scales, in whole sixteens.</summary>
    [Test]
    public void Rows_are_whole_units() =>
        Assert.That(GpuFormats.BytesOf(BlockFormats.Q4_0, 5, 96), Is.EqualTo(5 * 80));

    [Test]
    public void Elements_take_what_is_stored_and_other_blocks_are_widened()
    {
        Assert.Multiple(() =>
        {
            Assert.That(GpuFormats.BytesOf(WeightFormat.BF16, 5, 33), Is.EqualTo(5 * 33 * 2));
            Assert.That(GpuFormats.Takes(BlockFormats.Q2K), Is.SameAs(WeightFormat.F32));
            Assert.That(GpuFormats.Takes(BlockFormats.Iq2S), Is.SameAs(WeightFormat.F32));
            Assert.That(GpuFormats.Takes(WeightFormat.F16), Is.SameAs(WeightFormat.F16));
        });
    }
}
