namespace SLoRA.Adapters.Resident;

/// <summary>
/// One load of content that is under way. It holds a place among those that read until it gets nothing any more. Thread-safe.
/// </summary>
/// <param name="bytes">Bytes of main memory that it will bring, as far as that is known.</param>
/// <param name="moved">Told of each change: before, after.</param>
internal sealed class ContentLoad(long bytes, Action<ContentLoadState, ContentLoadState> moved) : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private int _state = (int)ContentLoadState.Reads;

    /// <summary>Nobody wants it any more.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Bytes of main memory that it will bring.</summary>
    public long Bytes => bytes;

    /// <summary>The adapter source has been asked, and no thread waits.</summary>
    public void Ask() => Move(ContentLoadState.Reads, ContentLoadState.Asks);

    /// <summary>Nothing has come for a while: others may have its place.</summary>
    public void Rest()
    {
        if (!Move(ContentLoadState.Reads, ContentLoadState.Rests))
        {
            Move(ContentLoadState.Asks, ContentLoadState.Rests);
        }
    }

    /// <summary>Nobody wants it any more. What somebody has hung on the token does not run on the caller's thread.</summary>
    public void GiveUp() => _ = _ending.CancelAsync();

    /// <summary>It has ended.</summary>
    public void Dispose()
    {
        moved((ContentLoadState)Interlocked.Exchange(ref _state, (int)ContentLoadState.Ended), ContentLoadState.Ended);
        _ending.Dispose();
    }

    private bool Move(ContentLoadState from, ContentLoadState to)
    {
        if (Interlocked.CompareExchange(ref _state, (int)to, (int)from) != (int)from)
        {
            return false;
        }

        moved(from, to);
        return true;
    }
}
