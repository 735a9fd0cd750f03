using System.Runtime.InteropServices;
using SLoRA.Native;

namespace SLoRA.Models;

/// <summary>Memory that weights are read into, one after another. It grows to the largest of them.</summary>
internal sealed unsafe class WeightBuffer : IDisposable
{
    private void* _memory;
    private long _bytes;
    private bool _isMapped;

    ~WeightBuffer() => Free();

    /// <summary>So many bytes, until the next call. What they held is lost.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public byte* Take(long bytes)
    {
        if (bytes > _bytes || _memory is null)
        {
            Free();
            // Straight from the system where it can be, so that it goes back there and not into a store of the allocator.
            _memory = MappedMemory.TryMap(bytes);
            _isMapped = _memory is not null;
            if (!_isMapped)
            {
                _memory = NativeMemory.Alloc((nuint)Math.Max(bytes, 1));
            }

            _bytes = bytes;
        }

        return (byte*)_memory;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_memory is null)
        {
            return;
        }

        if (_isMapped)
        {
            MappedMemory.Unmap(_memory, _bytes);
        }
        else
        {
            NativeMemory.Free(_memory);
        }

        _memory = null;
        _bytes = 0;
    }
}
