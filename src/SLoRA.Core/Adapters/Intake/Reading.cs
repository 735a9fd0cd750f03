using System.Globalization;
using SLoRA.Errors;

namespace SLoRA.Adapters.Intake;

/// <summary>One reading of <see cref="ReadThreads"/>.</summary>
/// <param name="adapter">Whose it is.</param>
internal abstract class Reading(string adapter)
{
    /// <summary>Whose it is.</summary>
    public string Adapter { get; } = adapter;

    /// <summary>Whose share it takes from. Under the lock.</summary>
    public ReadTenant? Tenant { get; set; }

    /// <summary>How far it is. Under the lock.</summary>
    public ReadingPhase Phase { get; set; }

    /// <summary>When it was given up. Under the lock.</summary>
    public long LostAt { get; set; }

    /// <summary>Reads, on one of the threads.</summary>
    public abstract void Read();

    /// <summary>Ends it with an error, if it has no outcome yet.</summary>
    public abstract void GiveUp(Exception error);
}

/// <summary>One reading and its outcome. Its thread and whoever gives it up may come at the same time: the first settles it.</summary>
internal sealed class Reading<T> : Reading
    where T : class
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ReadThreads _owner;
    private readonly Func<ReadClock, T> _read;
    private readonly ReadClock _clock;
    private CancellationTokenRegistration _cancellation;

    /// <summary>A reading that has not begun.</summary>
    /// <param name="owner">Told what becomes of it.</param>
    /// <param name="adapter">Whose it is.</param>
    /// <param name="read">Reads.</param>
    /// <param name="slow">Told that it gets nothing; null for nobody.</param>
    public Reading(ReadThreads owner, string adapter, Func<ReadClock, T> read, Action? slow)
        : base(adapter)
    {
        _owner = owner;
        _read = read;
        _clock = new ReadClock(owner.Clock, ReadThreads.Patience, owner.Limit, Slow, TimeOut);

        void Slow()
        {
            owner.Slowed(this);
            slow?.Invoke();
        }
    }

    /// <summary>The outcome.</summary>
    public Task<T> Result => _result.Task;

    /// <summary>Gives it up when a token says so.</summary>
    public void CancelWith(CancellationToken cancellation) => _cancellation = cancellation.UnsafeRegister(
        static (reading, token) => ((Reading<T>)reading!).GiveUp(new OperationCanceledException(token)), this);

    /// <inheritdoc/>
    public override void Read()
    {
        try
        {
            _clock.Start();
            T result = _read(_clock);
            if (!_result.TrySetResult(result))
            {
                (result as IDisposable)?.Dispose();
            }
        }
        catch (Exception error)
        {
            _result.TrySetException(Typed(error));
        }
        finally
        {
            _clock.Dispose();
            _cancellation.Unregister();
        }
    }

    /// <inheritdoc/>
    public override void GiveUp(Exception error)
    {
        bool isMine = error is OperationCanceledException cancelled
            ? _result.TrySetCanceled(cancelled.CancellationToken)
            : _result.TrySetException(error);
        if (isMine)
        {
            _cancellation.Unregister();
            _owner.GivenUp(this);
            _clock.GiveUp();
        }
    }

    /// <summary>
    /// What a reader throws that is no error of ours, a lack of memory for instance, is this adapter's error all the same.
    /// </summary>
    private Exception Typed(Exception error) => error is SLoraException or OperationCanceledException
        ? error
        : new AdapterLoadException(Adapter, LoadErrorKind.File, "cannot be read: " + Shown.Text(ErrorText.Of(error)), error);

    private void TimeOut() => GiveUp(new AdapterLoadException(
        Adapter, LoadErrorKind.File,
        string.Create(CultureInfo.InvariantCulture, $"reading timed out after {_owner.Limit.TotalSeconds:0.###} s")));
}
