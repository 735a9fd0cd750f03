using System.Buffers.Binary;
using System.Text;
using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

internal sealed class SafetensorsHeaderTests
{
    private const string Valid =
        """{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F16","shape":[4],"data_offsets":[16,24]}}""";

    [Test]
    public void A_name_longer_than_any_has_is_refused_and_cut()
    {
        string header = $$$"""{"{{{new string('n', 1025)}}}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";
        var error = Assert.Throws<FormatError>(() => SafetensorsWriter.Read(SafetensorsWriter.WithHeader(header, new byte[4])))!;
        Assert.That(error.Message, Does.Contain("1025 characters").And.Length.LessThan(400));
        header = header.Replace("nn", "n", StringComparison.Ordinal);
        Assert.That(SafetensorsWriter.Read(SafetensorsWriter.WithHeader(header, new byte[4])).Tensors, Has.Length.EqualTo(1));
    }

    [Test]
    public void Reading_a_header_can_be_given_up()
    {
        byte[] file = SafetensorsWriter.Write([("a", "F32", [1], new byte[4])]);
        (byte[] json, long length) = SafetensorsHeader.ReadBytes(new MemoryStream(file), "test.safetensors");
        Assert.That(
            () => SafetensorsHeader.Parse(json, length, "test.safetensors", new CancellationToken(true).ThrowIfCancellationRequested),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void Entries_have_absolute_offsets_and_come_in_the_order_of_their_bytes()
    {
        byte[] file = SafetensorsWriter.WithHeader(
            """{"later":{"dtype":"BF16","shape":[3,1],"data_offsets":[4,10]},"__metadata__":{"format":"pt"}"""
            + ""","first":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""",
            new byte[10]);

        SafetensorsHeader header = SafetensorsWriter.Read(file);

        Assert.That(header.Tensors.Select(tensor => tensor.Name), Is.EqualTo(new[] { "first", "later" }));
        TensorEntry later = header.Find("later")!;
        Assert.Multiple(() =>
        {
            Assert.That(later.Begin, Is.EqualTo(file.Length - 6));
            Assert.That(later.Length, Is.EqualTo(6));
            Assert.That(later.ElementCount, Is.EqualTo(3));
            Assert.That(later.ShapeText, Is.EqualTo("[3, 1]"));
            Assert.That(later.Type, Is.EqualTo(TensorType.BF16));
            Assert.That(header.Find("first")!.ElementCount, Is.EqualTo(1));
            Assert.That(header.Find("absent"), Is.Null);
            Assert.That(header.Metadata["format"], Is.EqualTo("pt"));
        });
    }

    [Test]
    public void A_tensor_without_elements_may_lie_between_two_others()
    {
        byte[] file = SafetensorsWriter.WithHeader(
            """{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"none":{"dtype":"F32","shape":[0,7],"data_offsets":[1,1]}"""
            + ""","a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""",
            new byte[3]);
        Assert.That(SafetensorsWriter.Read(file).Find("none")!.Length, Is.Zero);
    }

    [Test]
    public void Four_bit_elements_are_counted_in_bits()
    {
        byte[] file = SafetensorsWriter.WithHeader("""{"a":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]}}""", new byte[3]);
        Assert.That(SafetensorsWriter.Read(file).Find("a")!.Length, Is.EqualTo(3));
    }

    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "b",
        "overlaps", TestName = "Overlap")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", "b",
        "no tensor", TestName = "Hole")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", "a",
        "no tensor", TestName = "Hole_at_the_start")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", null, "4 bytes at its end",
        TestName = "Bytes_behind_the_last_tensor")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "a", "ends at byte", TestName = "Tensor_behind_the_end")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[99,107]}}""", "b",
        "ends at byte", TestName = "Hole_before_a_tensor_behind_the_end")]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[0],"data_offsets":[99,99]}}""", "a", "ends at byte", TestName = "Empty_tensor_behind_the_end")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[12,0]}}""", "a", "begin and an end", TestName = "Reversed_offsets")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12,12]}}""", "a", "more than 2", TestName = "Three_offsets")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[12]}}""", "a", "begin and an end", TestName = "One_offset")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[9223372036854775808,9223372036854775820]}}""", "a", "2^63",
        TestName = "Offsets_beyond_64_bits")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[9223372036854775795,9223372036854775807]}}""", "a", "too large",
        TestName = "Offsets_that_overflow_with_the_header")]
    [TestCase("""{"a":{"dtype":"F32","shape":[-3],"data_offsets":[0,12]}}""", "a", "shape", TestName = "Negative_dimension")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3.0],"data_offsets":[0,12]}}""", "a", "shape", TestName = "Fractional_dimension")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,12]}}""", "a", "overflows",
        TestName = "Overflowing_shape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}""", "a", "need 16", TestName = "Shape_larger_than_bytes")]
    [TestCase("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", "a", "byte", TestName = "Half_a_byte")]
    [TestCase("""{"a":{"dtype":"F7","shape":[3],"data_offsets":[0,12]}}""", "a", "F7", TestName = "Unknown_dtype")]
    [TestCase("""{"a":{"dtype":7,"shape":[3],"data_offsets":[0,12]}}""", "a", "dtype", TestName = "Dtype_of_wrong_type")]
    [TestCase("""{"a":{"shape":[3],"data_offsets":[0,12]}}""", "a", "no dtype", TestName = "No_dtype")]
    [TestCase("""{"a":{"dtype":"F32","data_offsets":[0,12]}}""", "a", "no shape", TestName = "No_shape")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3]}}""", "a", "no data_offsets", TestName = "No_offsets")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12],"scale":2}}""", "a", "scale", TestName = "Unknown_member")]
    [TestCase("""{"a":{"dtype":"F32","dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "a", "twice", TestName = "Member_twice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "a",
        "twice", TestName = "Tensor_twice")]
    [TestCase("""{"a":[1],"b":2}""", "a", "object", TestName = "Tensor_that_is_a_list")]
    [TestCase("""{"__metadata__":{"format":1}}""", "__metadata__", "string", TestName = "Metadata_that_is_no_string")]
    [TestCase("""{"__metadata__":{"a":"1","a":"2"}}""", "__metadata__", "twice", TestName = "Metadata_twice")]
    [TestCase("""{"__metadata__":[]}""", "__metadata__", "object", TestName = "Metadata_that_is_a_list")]
    [TestCase("""[1,2,3]""", null, "object", TestName = "A_list")]
    [TestCase("""  {}""", null, "object", TestName = "Spaces_before_the_object")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}} {}""", null, "JSON", TestName = "Two_objects")]
    [TestCase("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}""", null, "JSON", TestName = "Unclosed_object")]
    [TestCase("""{"\ud800":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", null, "string", TestName = "Half_a_surrogate_pair")]
    public void A_header_is_refused(string header, string? subject, string mention)
    {
        FormatError error = Refused(SafetensorsWriter.WithHeader(header, new byte[12]));
        Assert.That(error.Subject, Is.EqualTo(subject));
        Assert.That(error.Message, Does.Contain(mention).And.Contain("test.safetensors"));
    }

    [Test]
    public void A_header_that_is_not_utf8_is_refused()
    {
        byte[] header = Encoding.UTF8.GetBytes(Valid);
        header[2] = 0xff;
        Assert.That(Refused(SafetensorsWriter.WithHeader(header, new byte[24])).Message, Does.Contain("UTF-8"));
    }

    [Test]
    public void A_shape_of_endless_dimensions_is_refused()
    {
        string shape = string.Join(",", Enumerable.Repeat("1", 100_000));
        FormatError error =
            Refused(SafetensorsWriter.WithHeader($$$"""{"a":{"dtype":"U8","shape":[{{{shape}}}],"data_offsets":[0,1]}}""", new byte[1]));
        Assert.That(error.Message, Does.Contain("more than 64 entries").And.Length.LessThan(500));
    }

    [Test]
    public void A_header_that_nests_without_end_is_refused()
    {
        string header = "{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}";
        Assert.That(Refused(SafetensorsWriter.WithHeader(header, [])).Kind, Is.EqualTo(LoadErrorKind.File));
    }

    [TestCase(0ul)]
    [TestCase(100_000_001ul)]
    [TestCase(1ul << 60)]
    [TestCase(ulong.MaxValue)]
    public void A_header_length_that_cannot_be_is_refused_without_taking_memory(ulong length)
    {
        byte[] file = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        Refused(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(file);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    [TestCase(0)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(20)]
    [TestCase(130)]
    public void A_file_cut_short_is_refused(int length)
    {
        byte[] file = SafetensorsWriter.WithHeader(Valid, new byte[24]);
        Assert.That(SafetensorsWriter.Read(file).Tensors, Has.Length.EqualTo(2));
        Refused(file[..length]);
        Refused(file[..^1]);
    }

    [Test]
    public void Every_dtype_of_the_format_is_known_and_only_three_are_weights()
    {
        string[] spellings =
            ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F6_E2M3", "F6_E3M2",
            "F4", "C64", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"];
        TensorType[] types = [.. spellings.Select(spelling => TensorTypes.Parse(spelling)!.Value)];
        Assert.That(types, Is.EquivalentTo(Enum.GetValues<TensorType>()));
        Assert.That(types.Where(type => type.IsWeight()), Is.EquivalentTo(new[] { TensorType.F32, TensorType.F16, TensorType.BF16 }));
        Assert.That(TensorType.BF16.ElementSize(), Is.EqualTo(2));
        Assert.That(() => TensorType.F4.ElementSize(), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    private static FormatError Refused(byte[] file)
    {
        FormatError error = Assert.Throws<FormatError>(() => SafetensorsWriter.Read(file))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.File));
        Assert.That(error.File, Is.EqualTo("test.safetensors"));
        return error;
    }
}
