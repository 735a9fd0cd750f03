namespace SLoRA.Core.Tests;

/// <summary>A clock that stands still until it is told to advance; its timers fire on the thread that advances it.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private long _now = 1;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            var timer = new ManualTimer(callback, state, _now + dueTime.Ticks);
            _timers.Add(timer);
            return timer;
        }
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
            timer.FireIfDue(_now);
        }
    }

    private sealed class ManualTimer(TimerCallback callback, object? state, long due) : ITimer
    {
        private bool _done;

        public void FireIfDue(long now)
        {
            if (!_done && now >= due)
            {
                _done = true;
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose() => _done = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
