using System.Runtime.InteropServices;

namespace SLoRA.Backends.Reference;

/// <summary>The page pool in main memory, one allocation.</summary>
internal sealed unsafe class ReferencePageMemory : MainMemoryPages, IDisposable
{
    private byte* _memory;

    public ReferencePageMemory(int pageCount, long pageBytes)
    {
        PageCount = pageCount;
        PageBytes = pageBytes;
        try
        {
            _memory = (byte*)NativeMemory.AllocZeroed(checked((nuint)(pageCount * pageBytes)));
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryUse.Pool.Refused(pageCount * pageBytes, exception);
        }
    }

    public override int PageCount { get; }

    public override long PageBytes { get; }

    /// <summary>Address of a page.</summary>
    public byte* Page(int page) => _memory + (page * PageBytes);

    public override void Write(int page, long offset, ReadOnlySpan<byte> source) =>
        source.CopyTo(new Span<byte>(Page(page) + offset, checked((int)(PageBytes - offset))));

    public override void Read(int page, long offset, Span<byte> destination) =>
        new ReadOnlySpan<byte>(Page(page) + offset, destination.Length).CopyTo(destination);

    public override void Copy(int source, int destination) => Buffer.MemoryCopy(Page(source), Page(destination), PageBytes, PageBytes);

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
    }
}
