using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Bench;

/// <summary>
/// Random weights in the bytes of a format, of the size that weights of a model have: any bits are codes, and the scales that the blocks
/// have in half precision are small. They repeat: what they are does not change how long they take.
/// </summary>
internal sealed class RandomBlocks
{
    private const int Blocks = 1 << 13;

    private readonly byte[] _bytes;

    /// <summary>Draws them.</summary>
    public RandomBlocks(WeightFormat format, int seed)
    {
        _bytes = new byte[Blocks * format.BlockBytes];
        new Random(seed).NextBytes(_bytes);
        for (int at = 0; at < _bytes.Length; at += format.BlockBytes)
        {
            Span<byte> block = _bytes.AsSpan(at, format.BlockBytes);
            if (format == BlockFormats.Q6K)
            {
                BitConverter.TryWriteBytes(block[^2..], (Half)1e-5f);
            }
            else
            {
                bool isWide = format == BlockFormats.Q4K;
                BitConverter.TryWriteBytes(block, (Half)(isWide ? 1e-4f : format == WeightFormat.Q8_0 ? 3e-4f : 3e-3f));
                if (isWide)
                {
                    BitConverter.TryWriteBytes(block[sizeof(ushort)..], (Half)1e-3f);
                }
            }
        }
    }

    /// <summary>Fills memory with them.</summary>
    public void Fill(Span<byte> target)
    {
        for (; !target.IsEmpty; target = target[Math.Min(target.Length, _bytes.Length)..])
        {
            _bytes.AsSpan(0, Math.Min(target.Length, _bytes.Length)).CopyTo(target);
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
}
