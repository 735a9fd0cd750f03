using System.Buffers.Binary;
using System.Text;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

/// <summary>Writes safetensors files for tests: correct ones from tensors, and any others from the text of their header.</summary>
internal static class SafetensorsWriter
{
    public static byte[] Write(
        IEnumerable<(string Name, string Dtype, long[] Shape, byte[] Data)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var members = new List<string>();
        if (metadata is not null)
        {
            members.Add("\"__metadata__\":{" + string.Join(",", metadata.Select(pair => Text(pair.Key) + ":" + Text(pair.Value))) + "}");
        }

        var data = new List<byte>();
        foreach ((string name, string dtype, long[] shape, byte[] bytes) in tensors)
        {
            members.Add($"{Text(name)}:{{\"dtype\":\"{dtype}\",\"shape\":[{string.Join(",", shape)}],\"data_offsets\":[{data.Count},"
                + $"{data.Count + bytes.Length}]}}");
            data.AddRange(bytes);
        }

        return WithHeader("{" + string.Join(",", members) + "}", data.ToArray());
    }

    public static byte[] WithHeader(string header, byte[] data) => WithHeader(Encoding.UTF8.GetBytes(header), data);

    public static byte[] WithHeader(byte[] header, byte[] data)
    {
        int padding = -header.Length & 7;
        byte[] file = new byte[8 + header.Length + padding + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length + padding);
        header.CopyTo(file, 8);
        file.AsSpan(8 + header.Length, padding).Fill((byte)' ');
        data.CopyTo(file, 8 + header.Length + padding);
        return file;
    }

    public static SafetensorsHeader Read(byte[] file) => SafetensorsHeader.Read(new MemoryStream(file), "test.safetensors");

    private static string Text(string value) => System.Text.Json.JsonSerializer.Serialize(value);
}
