using SLoRA.Backends;
using SLoRA.Evaluation.Runs;
using SLoRA.Native;

namespace SLoRA.Evaluation.Simulation;

/// <summary>How adapters come into the pages of a simulated device.</summary>
/// <param name="HostByte">Seconds of the engine's thread per byte.</param>
/// <param name="LinkByte">Seconds of a copy that runs beside the steps, per byte; null where the thread's own copy is all.</param>
internal sealed record SimulatedLink(double HostByte, double? LinkByte = null);

/// <summary>Pages without bytes: copying takes time and nothing else.</summary>
internal sealed class SimulatedPages(int pageCount, long pageBytes, SimulatedLink link, VirtualClock clock) : IPageMemory, IDisposable
{
    private readonly Dictionary<long, NativeBlock> _blocks = [];

    // When the link has done what it has been given, in nanoseconds.
    private long _linkFree;

    /// <inheritdoc/>
    public int PageCount => pageCount;

    /// <inheritdoc/>
    public long PageBytes => pageBytes;

    /// <inheritdoc/>
    public bool IsMainMemory => link.LinkByte is null;

    /// <inheritdoc/>
    public void Write(int page, long offset, ReadOnlySpan<byte> source) =>
        clock.Advance(source.Length * (link.HostByte + (link.LinkByte ?? 0)));

    /// <inheritdoc/>
    public long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
    {
        clock.Advance(source.Length * link.HostByte);
        if (link.LinkByte is not { } seconds)
        {
            return 0;
        }

        _linkFree = Math.Max(_linkFree, clock.Nanoseconds) + (long)Math.Ceiling(source.Length * seconds * 1e9);
        return _linkFree;
    }

    /// <inheritdoc/>
    public bool IsWritten(long mark) => clock.Nanoseconds >= mark;

    /// <inheritdoc/>
    public void Settle() => clock.WaitUntil(_linkFree);

    /// <inheritdoc/>
    public void Read(int page, long offset, Span<byte> destination) =>
        clock.Advance(destination.Length * (link.HostByte + (link.LinkByte ?? 0)));

    /// <inheritdoc/>
    public void Copy(int source, int destination)
    {
    }

    /// <inheritdoc/>
    public void Clear(int page)
    {
    }

    /// <summary>Main memory that nobody writes or reads: contents of one size share it.</summary>
    public NativeBlock AllocateMain(long bytes)
    {
        if (!_blocks.TryGetValue(bytes, out NativeBlock? block))
        {
            block = new NativeBlock(bytes);
            _blocks.Add(bytes, block);
        }

        return block;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (NativeBlock block in _blocks.Values)
        {
            block.Dispose();
        }
    }
}
