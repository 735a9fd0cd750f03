using System.Runtime.InteropServices;

namespace SLoRA.Native;

/// <summary>
/// Memory outside the garbage-collected heap, of any size, aligned to 64 bytes. Freed by <see cref="Dispose"/>, at the latest when it is
/// collected.
/// </summary>
internal sealed unsafe class NativeBlock : IDisposable
{
    /// <summary>What addresses of blocks, and offsets that keep their alignment, are multiples of.</summary>
    public const int Alignment = 64;

    private readonly bool _isMapped;
    private void* _data;

    /// <summary>Allocates; the content is undefined.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public NativeBlock(long bytes)
    {
        Length = bytes;
        _data = MappedMemory.TryMap(bytes);
        _isMapped = _data is not null;
        if (!_isMapped)
        {
            _data = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
        }

        GC.AddMemoryPressure(Math.Max(bytes, 1));
    }

    ~NativeBlock() => Free();

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>A part of the memory, valid until the block is disposed.</summary>
    /// <exception cref="ObjectDisposedException">It has been.</exception>
    public Span<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes from there on are not inside {Length}");
        }

        return new Span<byte>((byte*)_data + offset, length);
    }

    /// <summary>Sets all bytes to zero.</summary>
    public void Clear()
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        NativeMemory.Clear(_data, (nuint)Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_data is null)
        {
            return;
        }

        if (_isMapped)
        {
            MappedMemory.Unmap(_data, Length);
        }
        else
        {
            NativeMemory.AlignedFree(_data);
        }

        _data = null;
        GC.RemoveMemoryPressure(Math.Max(Length, 1));
    }
}
