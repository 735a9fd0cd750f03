using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// Normal-like numbers from a seed in the bytes of a type. They repeat after some hundred thousand: what they are does not change how long
/// they take.
/// </summary>
internal sealed class RandomElements
{
    /// <summary>Elements before they repeat.</summary>
    public const int Count = 1 << 18;

    private readonly byte[] _bytes;

    /// <summary>Draws the numbers.</summary>
    public RandomElements(TensorType type, int seed)
    {
        _bytes = new byte[Count * type.ElementSize()];
        var random = new Random(seed);
        for (int i = 0; i < Count; i++)
        {
            float value = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble()) - 1.5) * 0.04f;
            Set(type, i, value);
        }
    }

    /// <summary>Writes so many bytes of them to a stream.</summary>
    public void Write(Stream stream, long bytes)
    {
        for (long left = bytes; left > 0; left -= _bytes.Length)
        {
            stream.Write(_bytes.AsSpan(0, (int)Math.Min(left, _bytes.Length)));
        }
    }

    /// <summary>Fills memory with them, from a place on.</summary>
    public void Fill(Span<byte> target, int from)
    {
        for (int at = 0; at < target.Length;)
        {
            ReadOnlySpan<byte> source = _bytes.AsSpan((from + at) % _bytes.Length);
            source = source[..Math.Min(source.Length, target.Length - at)];
            source.CopyTo(target[at..]);
            at += source.Length;
        }
    }

    private void Set(TensorType type, int index, float value)
    {
        switch (type)
        {
            case TensorType.F32:
                MemoryMarshal.Cast<byte, float>(_bytes.AsSpan())[index] = value;
                break;
            case TensorType.F16:
                MemoryMarshal.Cast<byte, Half>(_bytes.AsSpan())[index] = (Half)value;
                break;
            default:
                MemoryMarshal.Cast<byte, ushort>(_bytes.AsSpan())[index] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
                break;
        }
    }
}
