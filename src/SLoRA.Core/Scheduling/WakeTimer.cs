namespace SLoRA.Scheduling;

/// <summary>Lets the engine make a step at a time when nothing else would. Belongs to the engine's thread.</summary>
/// <param name="clock">The engine's clock.</param>
/// <param name="wake">Lets the engine make a step; called by the timer, on any thread.</param>
internal sealed class WakeTimer(TimeProvider clock, Action wake) : IDisposable
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Most = TimeSpan.FromDays(1);

    private ITimer? _timer;

    // When the timer fires; 0 when it has: timers fire too early by a little, and then it is set again.
    private long _armed;

    /// <summary>Wakes the engine at a time, unless it is woken before then anyway: whoever looks then sets it again.</summary>
    /// <param name="time">Timestamp of the clock.</param>
    /// <param name="now">Timestamp of the clock.</param>
    public void WakeAt(long time, long now)
    {
        long armed = Volatile.Read(ref _armed);
        if (armed > now && armed <= time)
        {
            return;
        }

        TimeSpan left = clock.GetElapsedTime(now, time);
        left = left < Least ? Least : left > Most ? Most : left;
        Volatile.Write(ref _armed, now + (long)(left.TotalSeconds * clock.TimestampFrequency));
        try
        {
            _timer ??= clock.CreateTimer(static state => ((WakeTimer)state!)
                .Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(left, Timeout.InfiniteTimeSpan);
        }
        catch (Exception)
        {
            // A clock that sets no timers: what there is to see is seen in the next step.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Fire()
    {
        Volatile.Write(ref _armed, 0);
        wake();
    }
}
