namespace SLoRA.Backends.Cpu;

/// <summary>
/// Where threads unpack packed weights, each for itself: a few panels, which stay in its cache while all rows are multiplied by them. Grows
/// while weights are loaded, never in a step.
/// </summary>
/// <param name="workers">Threads.</param>
internal sealed unsafe class UnpackSpaces(int workers) : IDisposable
{
    /// <summary>The fewest panels that have room: what the kernels take at once.</summary>
    public const int LeastPanels = 4;

    private const long CacheBytes = 384 << 10;

    private AlignedMemory _memory = new(0);
    private long _bytes;

    /// <summary>Makes room for panels of a size.</summary>
    public void Reserve(long panelBytes)
    {
        long bytes = panelBytes == 0 ? 0 : Math.Max(CacheBytes, LeastPanels * panelBytes);
        if (bytes > _bytes)
        {
            _memory.Dispose();
            _bytes = (bytes + AlignedMemory.Alignment - 1) & -AlignedMemory.Alignment;
            _memory = new AlignedMemory(workers * _bytes);
        }
    }

    /// <summary>A thread's own.</summary>
    public UnpackSpace Of(int worker) => new(_memory.Address + (worker * _bytes), _bytes);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}

/// <summary>Memory of one thread.</summary>
/// <param name="Data">Its first byte, on a cache line.</param>
/// <param name="Bytes">How much.</param>
internal readonly unsafe record struct UnpackSpace(nint Data, long Bytes)
{
    /// <summary>Memory at an address.</summary>
    public UnpackSpace(byte* data, long bytes)
        : this((nint)data, bytes)
    {
    }
}
