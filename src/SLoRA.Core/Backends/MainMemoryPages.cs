using SLoRA.Native;

namespace SLoRA.Backends;

/// <summary>Pages in main memory: copying into them is done when it returns.</summary>
internal abstract class MainMemoryPages : IPageMemory
{
    private static readonly byte[] Zeros = new byte[64 << 10];

    /// <inheritdoc/>
    public abstract int PageCount { get; }

    /// <inheritdoc/>
    public abstract long PageBytes { get; }

    /// <inheritdoc/>
    public bool IsMainMemory => true;

    /// <inheritdoc/>
    public abstract void Write(int page, long offset, ReadOnlySpan<byte> source);

    /// <inheritdoc/>
    public long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
    {
        Write(page, offset, source);
        return 0;
    }

    /// <inheritdoc/>
    public bool IsWritten(long mark) => true;

    /// <inheritdoc/>
    public void Settle()
    {
    }

    /// <inheritdoc/>
    public abstract void Read(int page, long offset, Span<byte> destination);

    /// <inheritdoc/>
    public abstract void Copy(int source, int destination);

    /// <inheritdoc/>
    public void Clear(int page)
    {
        for (long offset = 0; offset < PageBytes; offset += Zeros.Length)
        {
            Write(page, offset, Zeros.AsSpan(0, (int)Math.Min(Zeros.Length, PageBytes - offset)));
        }
    }

    /// <inheritdoc/>
    public NativeBlock AllocateMain(long bytes) => new(bytes);
}
