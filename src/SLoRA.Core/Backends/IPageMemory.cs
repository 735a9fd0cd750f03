namespace SLoRA.Backends;

/// <summary>The bytes of the page pool on one device. The pool decides which page is whose; this only holds the bytes.</summary>
internal interface IPageMemory
{
    /// <summary>Pages.</summary>
    int PageCount { get; }

    /// <summary>Bytes of a page.</summary>
    long PageBytes { get; }

    /// <summary>Whether the pages lie in main memory: what is in them need not be kept there a second time, and reading it back is a plain copy.</summary>
    bool IsMainMemory => false;

    /// <summary>Copies bytes into a page.</summary>
    void Write(int page, long offset, ReadOnlySpan<byte> source);

    /// <summary>Copies bytes out of a page.</summary>
    void Read(int page, long offset, Span<byte> destination);

    /// <summary>Copies one page onto another.</summary>
    void Copy(int source, int destination);
}
