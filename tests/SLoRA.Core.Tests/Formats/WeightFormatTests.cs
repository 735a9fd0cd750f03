using System.Runtime.InteropServices;
using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

internal sealed class WeightFormatTests
{
    private static readonly WeightFormat[] All = [WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.Q8_0];

    [Test]
    public void Sizes_are_whole_blocks()
    {
        Assert.That(
            All.Select(format => (format.Name, format.BlockElements, format.BlockBytes, format.BytesOf(96))),
            Is.EqualTo(new[] { ("F32", 1, 4, 384L), ("F16", 1, 2, 192L), ("BF16", 1, 2, 192L), ("Q8_0", 32, 34, 102L) }));
        Assert.That(() => WeightFormat.Q8_0.BytesOf(33), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Every_type_of_a_file_is_a_format_or_none()
    {
        Assert.That(
            Enum.GetValues<TensorType>().Select(WeightFormat.Of).Where(format => format is not null),
            Is.EquivalentTo(new[] { WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16 }));
        Assert.That(() => WeightFormat.Of((TensorType)99), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Rows_that_are_no_whole_number_of_blocks_are_refused_by_name()
    {
        FormatError error = Assert.Throws<FormatError>(() => WeightFormat.Q8_0.CheckRows("m.gguf", "blk.0.attn_q.weight", [64, 48]))!;

        Assert.That((error.Kind, error.File, error.Subject), Is.EqualTo((LoadErrorKind.Tensor, "m.gguf", "blk.0.attn_q.weight")));
        Assert.That(error.Message, Does.Contain("48").And.Contain("Q8_0").And.Contain("32"));
        Assert.That(() => WeightFormat.Q8_0.CheckRows("m.gguf", "blk.0.attn_q.weight", [48, 64]), Throws.Nothing);
    }

    [Test]
    public void Every_half_and_every_brain_float_is_widened_to_its_value()
    {
        ushort[] bits = [.. Enumerable.Range(0, 1 << 16).Select(at => (ushort)at)];
        var halves = new float[bits.Length];
        var brains = new float[bits.Length];

        WeightFormat.F16.Widen(MemoryMarshal.AsBytes<ushort>(bits), halves);
        WeightFormat.BF16.Widen(MemoryMarshal.AsBytes<ushort>(bits), brains);

        Assert.That(halves, Is.EqualTo(bits.Select(value => (float)BitConverter.UInt16BitsToHalf(value))));
        Assert.That(
            brains.Select(BitConverter.SingleToUInt32Bits), Is.EqualTo(bits.Select(value => (uint)value << 16)));
    }

    [Test]
    public void Any_number_of_elements_at_any_address_is_widened([Range(0, 40)] int count)
    {
        byte[] bytes = new byte[(2 * count) + 1];
        new Random(count).NextBytes(bytes);
        var values = new float[count];

        WeightFormat.BF16.Widen(bytes.AsSpan(1), values);

        Assert.That(
            values.Select(BitConverter.SingleToUInt32Bits),
            Is.EqualTo(Enumerable.Range(0, count).Select(at => (uint)((bytes[1 + (2 * at)] << 16) | (bytes[2 + (2 * at)] << 24)))));
    }

    [Test]
    public void Bytes_that_are_not_as_many_as_the_values_are_refused([ValueSource(nameof(All))] WeightFormat format) =>
        Assert.That(
            () => format.Widen(new byte[format.BlockBytes], new float[2 * format.BlockElements]),
            Throws.TypeOf<ArgumentOutOfRangeException>());
}
