namespace SLoRA.Backends.Cpu;

/// <summary>The page pool in main memory: pages one after the other.</summary>
internal sealed unsafe class CpuPageMemory : MainMemoryPages
{
    private readonly byte* _data;

    /// <summary>Cuts memory into pages.</summary>
    public CpuPageMemory(AlignedMemory memory, int pageCount, long pageBytes)
    {
        _data = memory.Address;
        PageCount = pageCount;
        PageBytes = pageBytes;
    }

    /// <inheritdoc/>
    public override int PageCount { get; }

    /// <inheritdoc/>
    public override long PageBytes { get; }

    /// <summary>First byte of a page, on a cache line.</summary>
    public byte* Address(int page) => _data + (page * PageBytes);

    /// <inheritdoc/>
    public override void Write(int page, long offset, ReadOnlySpan<byte> source)
    {
        Check(page, offset, source.Length);
        source.CopyTo(new Span<byte>(Address(page) + offset, source.Length));
    }

    /// <inheritdoc/>
    public override void Read(int page, long offset, Span<byte> destination)
    {
        Check(page, offset, destination.Length);
        new ReadOnlySpan<byte>(Address(page) + offset, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public override void Copy(int source, int destination)
    {
        Check(source, 0, 0);
        Check(destination, 0, 0);
        Buffer.MemoryCopy(Address(source), Address(destination), PageBytes, PageBytes);
    }

    private void Check(int page, long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(page);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(page, PageCount);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, PageBytes - length);
    }
}
