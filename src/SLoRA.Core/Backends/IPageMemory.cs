namespace SLoRA.Backends;

/// <summary>The bytes of the page pool on one device. The pool decides which page is whose; this only holds the bytes.</summary>
internal interface IPageMemory
{
    /// <summary>Pages.</summary>
    int PageCount { get; }

    /// <summary>Bytes of a page.</summary>
    long PageBytes { get; }

    /// <summary>Copies bytes into a page.</summary>
    void Write(int page, long offset, ReadOnlySpan<byte> source);

    /// <summary>Copies bytes out of a page.</summary>
    void Read(int page, long offset, Span<byte> destination);

    /// <summary>Copies one page onto another.</summary>
    void Copy(int source, int destination);
}
