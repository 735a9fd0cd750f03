using SLoRA.Native;

namespace SLoRA.Backends;

/// <summary>
/// The pages of another: what stands between the engine and a device overrides what it is about and loses nothing of the rest.
/// </summary>
/// <param name="inner">The pages that do the work.</param>
internal abstract class ForwardingPages(IPageMemory inner) : IPageMemory
{
    /// <summary>The pages that do the work.</summary>
    protected IPageMemory Inner { get; } = inner;

    /// <inheritdoc/>
    public virtual int PageCount => Inner.PageCount;

    /// <inheritdoc/>
    public virtual long PageBytes => Inner.PageBytes;

    /// <inheritdoc/>
    public virtual bool IsMainMemory => Inner.IsMainMemory;

    /// <inheritdoc/>
    public virtual void Write(int page, long offset, ReadOnlySpan<byte> source) => Inner.Write(page, offset, source);

    /// <inheritdoc/>
    public virtual long WriteBeside(int page, long offset, ReadOnlySpan<byte> source) => Inner.WriteBeside(page, offset, source);

    /// <inheritdoc/>
    public virtual bool IsWritten(long mark) => Inner.IsWritten(mark);

    /// <inheritdoc/>
    public virtual void Settle() => Inner.Settle();

    /// <inheritdoc/>
    public virtual void Read(int page, long offset, Span<byte> destination) => Inner.Read(page, offset, destination);

    /// <inheritdoc/>
    public virtual void Copy(int source, int destination) => Inner.Copy(source, destination);

    /// <inheritdoc/>
    public virtual void Clear(int page) => Inner.Clear(page);

    /// <inheritdoc/>
    public virtual NativeBlock AllocateMain(long bytes) => Inner.AllocateMain(bytes);
}
