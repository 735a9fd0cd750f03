using System.Runtime.CompilerServices;
using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Zeroed native memory on a cache-line border. Freed on <see cref="Dispose"/>, or by the finalizer if its owner was forgotten.
/// </summary>
internal sealed unsafe class AlignedMemory : CriticalFinalizerObject, IDisposable
{
    /// <summary>Alignment in bytes: a cache line, and the widest vector.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes before the first one that may be read too; what they hold means nothing.</summary>
    public const int Lead = 16;

    private void* _block;

    /// <summary>Allocates memory.</summary>
    /// <param name="bytes">Bytes; rounded up to whole cache lines, and at least one.</param>
    /// <param name="alignment">What the address is a multiple of: a power of two, at least <see cref="Alignment"/>.</param>
    /// <param name="use">What it is for; working memory by default.</param>
    /// <exception cref="MemoryException">The process cannot have that much.</exception>
    public AlignedMemory(long bytes, int alignment = Alignment, MemoryUse? use = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        use ??= MemoryUse.Working;
        if (bytes > ProcessMemory.Limit)
        {
            throw use.TooLarge(bytes, ProcessMemory.Limit);
        }

        Bytes = Math.Max(Alignment, (bytes + Alignment - 1) & -Alignment);
        try
        {
            // Zeroed by the allocator: of a large block the system then gives pages only when they are first touched.
            _block = NativeMemory.AllocZeroed((nuint)(Bytes + Lead + alignment));
        }
        catch (OutOfMemoryException exception)
        {
            throw use.Refused(bytes, exception);
        }

        Address = (byte*)(((nint)_block + Lead + alignment - 1) & -alignment);
    }

    ~AlignedMemory() => Free();

    /// <summary>Usable bytes.</summary>
    public long Bytes { get; }

    /// <summary>Address of the first byte.</summary>
    public byte* Address { get; }

    /// <summary>The memory as fp32.</summary>
    public float* Floats
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (float*)Address;
    }

    /// <summary>Makes room for so many fp32 numbers; what was there is gone where there was too little.</summary>
    public static void Grow(ref AlignedMemory memory, long floats)
    {
        if (memory.Bytes < floats * sizeof(float))
        {
            memory.Dispose();
            memory = new AlignedMemory(floats * sizeof(float));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(_block);
        _block = null;
    }
}
