using System.Runtime.InteropServices;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;

namespace SLoRA.Core.Tests.Formats.Blocks;

/// <summary>
/// Bytes and values as ggml and gguf-py have them, bit by bit: quantized, random, all zeros and all ones, scales that are negative, zero or
/// subnormal.
/// </summary>
internal sealed class BlockFormatTests
{
    private static readonly string Folder = RepositoryFolder.Fixture("later-gguf-types");

    [TestCaseSource(nameof(Types))]
    public void Blocks_have_the_values_that_ggml_gives_them(string name, int id, int elements, int bytes)
    {
        WeightFormat format = Format(id);
        byte[] raw = Bytes(name + ".raw");
        float[] expected = MemoryMarshal.Cast<byte, float>(Bytes(name + ".values")).ToArray();
        var values = new float[expected.Length];

        format.Widen(raw, values);

        Assert.That((format.Name, format.BlockElements, format.BlockBytes), Is.EqualTo((name, elements, bytes)));
        Assert.That(
            values.Select(BitConverter.SingleToUInt32Bits), Is.EqualTo(expected.Select(BitConverter.SingleToUInt32Bits)));
    }

    [TestCaseSource(nameof(Types))]
    public void Values_are_finite_where_the_format_says_so(string name, int id, int elements, int bytes)
    {
        WeightFormat format = Format(id);
        byte[] raw = Bytes(name + ".raw");
        var values = new float[elements];
        for (int at = 0; at < raw.Length; at += bytes)
        {
            ReadOnlySpan<byte> block = raw.AsSpan(at, bytes);
            format.Widen(block, values);
            Assert.That(format.FirstNotFinite(block), Is.EqualTo(values.All(float.IsFinite) ? -1 : 0), $"{name}, block {at / bytes}");
        }
    }

    [TestCase(2, 0)]
    [TestCase(3, 2)]
    [TestCase(8, 0)]
    [TestCase(10, 80)]
    [TestCase(10, 82)]
    [TestCase(11, 108)]
    [TestCase(12, 2)]
    [TestCase(14, 208)]
    [TestCase(23, 0)]
    public void A_scale_that_is_no_number_is_found(int id, int scaleAt)
    {
        WeightFormat format = Format(id);
        byte[] blocks = new byte[3 * format.BlockBytes];
        foreach (ushort bits in new ushort[] { 0x7C00, 0xFC00, 0x7E01 })
        {
            MemoryMarshal.Write(blocks.AsSpan(format.BlockBytes + scaleAt), bits);
            Assert.That(format.FirstNotFinite(blocks), Is.EqualTo(format.BlockElements));
        }

        Assert.That(format.FirstNotFinite(new byte[3 * format.BlockBytes]), Is.EqualTo(-1));
    }

    private static IEnumerable<TestCaseData> Types()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "quant-types.json")));
        foreach (JsonElement type in document.RootElement.GetProperty("types").EnumerateArray())
        {
            string name = type.GetProperty("type").GetString()!;
            yield return new TestCaseData(
                name, type.GetProperty("id").GetInt32(), type.GetProperty("elements_per_block").GetInt32(),
                type.GetProperty("bytes_per_block").GetInt32()).SetArgDisplayNames(name);
        }
    }

    private static WeightFormat Format(int id) => GgufTypes.Of((uint)id)!.Format!;

    private static byte[] Bytes(string name)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(Folder, "quant-types.safetensors"));
        TensorEntry entry = SafetensorsWriter.Read(file).Find(name)!;
        return file.AsSpan((int)entry.Begin, (int)entry.Length).ToArray();
    }
}
