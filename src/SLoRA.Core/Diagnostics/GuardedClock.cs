using SLoRA.Errors;

namespace SLoRA.Diagnostics;

/// <summary>
/// The host program's clock. It is asked on the engine's thread and on those that read, which have nobody to throw to: a clock that fails
/// stands still. That a timer cannot be set is passed on: it is the error of whoever wants it.
/// </summary>
internal sealed class GuardedClock : TimeProvider
{
    private readonly TimeProvider _inner;
    private long _last;

    private GuardedClock(TimeProvider inner)
    {
        _inner = inner;
        TimestampFrequency = inner.TimestampFrequency;
    }

    /// <inheritdoc/>
    public override long TimestampFrequency { get; }

    /// <summary>A clock that does not throw; the system's does not anyway.</summary>
    public static TimeProvider Of(TimeProvider clock) => ReferenceEquals(clock, System) ? clock : new GuardedClock(clock);

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        try
        {
            long now = _inner.GetTimestamp();
            Volatile.Write(ref _last, now);
            return now;
        }
        catch (Exception)
        {
            return Volatile.Read(ref _last);
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        try
        {
            return _inner.GetUtcNow();
        }
        catch (Exception)
        {
            return System.GetUtcNow();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The timer cannot be set.</exception>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        try
        {
            return new GuardedTimer(_inner.CreateTimer(callback, state, dueTime, period));
        }
        catch (Exception error)
        {
            throw new InvalidOperationException("A timer cannot be set: " + ErrorText.Of(error), error);
        }
    }

    private sealed class GuardedTimer(ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            try
            {
                return inner.Change(dueTime, period);
            }
            catch (Exception)
            {
                return false;
            }
        }

        public void Dispose()
        {
            try
            {
                inner.Dispose();
            }
            catch (Exception)
            {
                // It is not wanted any more: what it may do later is looked at then.
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
