using System.Text;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>Writes GGUF files whose tensors are random weights.</summary>
internal sealed class RandomGgufWriter : IDisposable
{
    private const uint Version = 3;
    private const uint Unsigned = 4;
    private const uint Float = 6;
    private const uint Text = 8;
    private const int Alignment = 32;

    private readonly BinaryWriter _writer;

    private RandomGgufWriter(string file) => _writer = new BinaryWriter(File.Create(file));

    /// <summary>Writes a file.</summary>
    /// <param name="file">Where.</param>
    /// <param name="settings">Its keys: texts, whole numbers, numbers.</param>
    /// <param name="tensors">Its tensors.</param>
    public static void Write(string file, (string Key, object Value)[] settings, RandomGgufTensor[] tensors)
    {
        using var writer = new RandomGgufWriter(file);
        writer.Write(settings, tensors);
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private void Write((string Key, object Value)[] settings, RandomGgufTensor[] tensors)
    {
        _writer.Write("GGUF"u8);
        _writer.Write(Version);
        _writer.Write((ulong)tensors.Length);
        _writer.Write((ulong)settings.Length);
        foreach ((string key, object value) in settings)
        {
            WriteSetting(key, value);
        }

        long offset = 0;
        foreach (RandomGgufTensor tensor in tensors)
        {
            WriteText(tensor.Name);
            _writer.Write((uint)tensor.Shape.Length);
            foreach (int size in tensor.Shape.Reverse())
            {
                _writer.Write((ulong)size);
            }

            _writer.Write(GgufMixture.IdOf(tensor.Type));
            _writer.Write((ulong)offset);
            offset += Aligned(tensor.Bytes);
        }

        var drawn = new Dictionary<WeightFormat, Action<Stream, long>>();
        Pad(_writer.BaseStream.Position);
        foreach (RandomGgufTensor tensor in tensors)
        {
            _writer.Flush();
            if (!drawn.TryGetValue(tensor.Type, out Action<Stream, long>? write))
            {
                drawn.Add(tensor.Type, write = Draw(tensor.Type));
            }

            write(_writer.BaseStream, tensor.Bytes);
            Pad(tensor.Bytes);
        }
    }

    private static Action<Stream, long> Draw(WeightFormat type) => type switch
    {
        PlainFormat plain => new RandomElements(plain.Type, seed: 1).Write,
        _ => new RandomBlocks(type, seed: 1).Write,
    };

    private void WriteSetting(string key, object value)
    {
        WriteText(key);
        switch (value)
        {
            case string text:
                _writer.Write(Text);
                WriteText(text);
                break;
            case int number:
                _writer.Write(Unsigned);
                _writer.Write((uint)number);
                break;
            default:
                _writer.Write(Float);
                _writer.Write((float)value);
                break;
        }
    }

    private void WriteText(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _writer.Write((ulong)bytes.Length);
        _writer.Write(bytes);
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private void Pad(long behind) => _writer.Write(new byte[Aligned(behind) - behind]);
}
