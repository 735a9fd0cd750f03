namespace SLoRA.Core.Tests;

/// <summary>A clock that stands still until it is told to advance; its timers fire on the thread that advances it, each once.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private long _now = 1;

    /// <summary>How much too early timers fire.</summary>
    public TimeSpan Haste { get; init; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (_gate)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    public void Advance(TimeSpan time)
    {
        ManualTimer[] timers;
        lock (_gate)
        {
            Volatile.Write(ref _now, _now + time.Ticks);
            timers = [.. _timers];
        }

        foreach (ManualTimer timer in timers)
        {
            timer.FireIfDue();
        }
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private long _due = long.MaxValue;

        public void FireIfDue()
        {
            long due = Volatile.Read(ref _due);
            if (due <= clock.GetTimestamp() && Interlocked.CompareExchange(ref _due, long.MaxValue, due) == due)
            {
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Volatile.Write(ref _due, dueTime == Timeout.InfiniteTimeSpan
                ? long.MaxValue
                : clock.GetTimestamp() + Math.Max(1, (dueTime - clock.Haste).Ticks));
            return true;
        }

        public void Dispose()
        {
            Volatile.Write(ref _due, long.MaxValue);
            lock (clock._gate)
            {
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
