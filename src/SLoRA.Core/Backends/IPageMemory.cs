using SLoRA.Native;

namespace SLoRA.Backends;

/// <summary>The bytes of the page pool on one device. The pool decides which page is whose; this only holds the bytes.</summary>
internal interface IPageMemory
{
    /// <summary>Pages.</summary>
    int PageCount { get; }

    /// <summary>Bytes of a page.</summary>
    long PageBytes { get; }

    /// <summary>
    /// Whether the pages lie in main memory: what is in them need not be kept there a second time, and reading it back is a plain copy.
    /// </summary>
    bool IsMainMemory { get; }

    /// <summary>Copies bytes into a page; whatever follows, steps too, sees them.</summary>
    void Write(int page, long offset, ReadOnlySpan<byte> source);

    /// <summary>
    /// Copies bytes into a page that nothing reads before they are there: the copy may run beside the steps. <paramref name="source"/> is
    /// free on return.
    /// </summary>
    /// <returns>A mark; it is written when this and all earlier bytes are in their pages.</returns>
    long WriteBeside(int page, long offset, ReadOnlySpan<byte> source);

    /// <summary>Whether all bytes up to a mark are in their pages. Does not wait.</summary>
    bool IsWritten(long mark);

    /// <summary>
    /// Waits until all marks are written. Does not throw, so that pages can be given back after it wherever that happens: of a device that
    /// fails meanwhile the next <see cref="IsWritten"/> or step says so.
    /// </summary>
    void Settle();

    /// <summary>Copies bytes out of a page.</summary>
    void Read(int page, long offset, Span<byte> destination);

    /// <summary>Copies one page onto another.</summary>
    void Copy(int source, int destination);

    /// <summary>Makes every byte of a page zero; the step that follows sees it.</summary>
    void Clear(int page);

    /// <summary>Main memory for what is copied out of pages.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    NativeBlock AllocateMain(long bytes);
}
