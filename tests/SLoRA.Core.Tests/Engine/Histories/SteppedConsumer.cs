namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>
/// A consumer that reads when the test says so: after <see cref="Read"/> it has exactly what the engine has published, and after
/// <see cref="Settle"/> the buffer holds what it has not asked for, whatever the thread pool does. The request is handed in when it is
/// created.
/// </summary>
internal sealed class SteppedConsumer
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly IAsyncEnumerator<GenerationUpdate> _updates;
    private readonly List<GeneratedToken> _taken = [];
    private Task<bool>? _next;
    private Task? _leaving;
    private TimeSpan _pause;
    private int _read;

    public SteppedConsumer(SteppedEngine engine, GenerationRequest request)
    {
        Stream = engine.Stream(request, _cancellation.Token);
        _updates = Stream.Updates.GetAsyncEnumerator();
        _next = _updates.MoveNextAsync().AsTask();
    }

    public GenerationStream Stream { get; }

    public IReadOnlyList<GeneratedToken> Taken => _taken;

    /// <summary>What the enumeration threw.</summary>
    public Exception? Error { get; private set; }

    /// <summary>The enumeration has ended, or was left and the engine has let go of it.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Does not read.</summary>
    public bool IsStalled { get; set; }

    /// <summary>It was cancelled or left.</summary>
    public bool WasEnded { get; private set; }

    /// <summary>The longest time in which it did not read.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Time passes.</summary>
    public void NoteTime(TimeSpan time)
    {
        _pause = IsStalled ? _pause + time : TimeSpan.Zero;
        LongestPause = _pause > LongestPause ? _pause : LongestPause;
    }

    public void Cancel()
    {
        WasEnded |= !IsDone;
        _cancellation.Cancel();
    }

    /// <summary>Leaves the enumeration; one that waits for its first token can only be cancelled.</summary>
    public void Abandon()
    {
        if (_next is not null)
        {
            Cancel();
        }
        else if (!IsDone && _leaving is null)
        {
            WasEnded = true;
            _leaving = _updates.DisposeAsync().AsTask();
        }
    }

    /// <summary>
    /// Waits until the enumeration has what it asked for, if that has been published: a stalled consumer too has asked for its first token,
    /// which it then has, on a thread of the pool, and no longer stands in the buffer.
    /// </summary>
    public void Settle()
    {
        if (_next is not null && (_read < Stream.Published || Stream.FinishReason is not null))
        {
            ((IAsyncResult)_next).AsyncWaitHandle.WaitOne();
        }
    }

    /// <summary>Takes one token, or one end, that has been published, stalled or not.</summary>
    public void TakeOne()
    {
        Settle();
        Take();
    }

    /// <summary>Takes what has been published, unless it is stalled.</summary>
    public void Read()
    {
        if (_leaving is not null)
        {
            if (!IsDone && Stream.FinishReason is not null)
            {
                _leaving.GetAwaiter().GetResult();
                IsDone = true;
            }

            return;
        }

        while (!IsDone && !IsStalled
            && (_read < Stream.Published || Stream.FinishReason is not null || _next is { IsFaulted: true }))
        {
            Take();
        }
    }

    private void Take()
    {
        _pause = TimeSpan.Zero;
        _next ??= _updates.MoveNextAsync().AsTask();
        try
        {
            if (_next.GetAwaiter().GetResult())
            {
                _read++;
                if (_updates.Current.End is null)
                {
                    _taken.Add(_updates.Current.Token);
                }
            }
            else
            {
                IsDone = true;
            }
        }
        catch (Exception error)
        {
            Error = error;
            IsDone = true;
        }

        _next = null;
    }
}
