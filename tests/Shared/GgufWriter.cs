using System.Text;

namespace SLoRA.Tests;

/// <summary>Writes GGUF files, byte by byte as the format says.</summary>
internal sealed class GgufWriter
{
    private readonly List<(string Key, Action<BinaryWriter> Value)> _keys = [];
    private readonly List<(string Name, long[] Shape, uint Type, byte[] Bytes)> _tensors = [];

    public int Alignment { get; set; } = 32;

    public GgufWriter Key(string key, string value) => Add(key, 8, writer => Text(writer, value));

    public GgufWriter Key(string key, uint value) => Add(key, 4, writer => writer.Write(value));

    public GgufWriter Key(string key, ushort value) => Add(key, 2, writer => writer.Write(value));

    public GgufWriter Key(string key, int value) => Add(key, 5, writer => writer.Write(value));

    public GgufWriter Key(string key, float value) => Add(key, 6, writer => writer.Write(value));

    public GgufWriter Key(string key, bool value) => Add(key, 7, writer => writer.Write(value));

    public GgufWriter Key(string key, params string[] values) => Add(key, 9, writer =>
    {
        writer.Write(8u);
        writer.Write((ulong)values.Length);
        foreach (string value in values)
        {
            Text(writer, value);
        }
    });

    public GgufWriter Key(string key, params float[] values) => Add(key, 9, writer =>
    {
        writer.Write(6u);
        writer.Write((ulong)values.Length);
        foreach (float value in values)
        {
            writer.Write(value);
        }
    });

    public GgufWriter Key(string key, params int[] values) => Add(key, 9, writer =>
    {
        writer.Write(5u);
        writer.Write((ulong)values.Length);
        foreach (int value in values)
        {
            writer.Write(value);
        }
    });

    public GgufWriter Key(string key, params bool[] values) => Add(key, 9, writer =>
    {
        writer.Write(7u);
        writer.Write((ulong)values.Length);
        foreach (bool value in values)
        {
            writer.Write(value);
        }
    });

    public GgufWriter Key(string key, object value) => value switch
    {
        string text => Key(key, text),
        uint number => Key(key, number),
        float number => Key(key, number),
        bool flag => Key(key, flag),
        int[] numbers => Key(key, numbers),
        float[] numbers => Key(key, numbers),
        bool[] flags => Key(key, flags),
        _ => throw new ArgumentException($"No value of GGUF is a {value.GetType()}.", nameof(value)),
    };

    public GgufWriter Tensor(string name, uint type, byte[] bytes, params long[] shape)
    {
        _tensors.Add((name, shape, type, bytes));
        return this;
    }

    public byte[] Write()
    {
        var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_keys.Count);
        foreach ((string key, Action<BinaryWriter> value) in _keys)
        {
            Text(writer, key);
            value(writer);
        }

        long offset = 0;
        foreach ((string name, long[] shape, uint type, byte[] bytes) in _tensors)
        {
            Text(writer, name);
            writer.Write((uint)shape.Length);
            foreach (long dimension in shape.Reverse())
            {
                writer.Write((ulong)dimension);
            }

            writer.Write(type);
            writer.Write((ulong)offset);
            offset += (bytes.Length + Alignment - 1) / Alignment * Alignment;
        }

        Pad(stream);
        foreach ((_, _, _, byte[] bytes) in _tensors)
        {
            writer.Write(bytes);
            Pad(stream);
        }

        return stream.ToArray();
    }

    private GgufWriter Add(string key, uint type, Action<BinaryWriter> value)
    {
        _keys.Add((key, writer =>
        {
            writer.Write(type);
            value(writer);
        }
        ));
        return this;
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private void Pad(MemoryStream stream)
    {
        while (stream.Position % Alignment != 0)
        {
            stream.WriteByte(0);
        }
    }
}
