namespace SLoRA.HuggingFace.Tests;

/// <summary>
/// A clock on which nobody waits: what waits for less than <see cref="Patience"/> goes on at once, and the clock has moved by that much.
/// What is set for longer, as the timeouts of these tests are, runs out when the test says so.
/// </summary>
internal sealed class InstantClock : TimeProvider
{
    /// <summary>Between all waits and all timeouts.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    private readonly Lock _turn = new();
    private readonly List<TimeSpan> _waits = [];
    private readonly HashSet<InstantTimer> _held = [];
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Called with each wait before it is over.</summary>
    public Action<TimeSpan>? Waiting { get; set; }

    /// <summary>The waits since the last look.</summary>
    public TimeSpan[] TakeWaits()
    {
        lock (_turn)
        {
            TimeSpan[] waits = [.. _waits];
            _waits.Clear();
            return waits;
        }
    }

    /// <summary>Lets all timeouts run out that are set.</summary>
    public void Expire()
    {
        InstantTimer[] held;
        lock (_turn)
        {
            held = [.. _held];
            _held.Clear();
        }

        foreach (InstantTimer timer in held)
        {
            timer.Fire();
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_turn)
        {
            return _now;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new InstantTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void Set(InstantTimer timer, TimeSpan due)
    {
        lock (_turn)
        {
            _held.Remove(timer);
            if (due == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            if (due >= Patience)
            {
                _held.Add(timer);
                return;
            }

            _waits.Add(due);
            _now += due;
        }

        Waiting?.Invoke(due);
        ThreadPool.QueueUserWorkItem(_ => timer.Fire());
    }

    private void Remove(InstantTimer timer)
    {
        lock (_turn)
        {
            _held.Remove(timer);
        }
    }

    private sealed class InstantTimer(InstantClock clock, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock.Set(this, dueTime);
            return true;
        }

        public void Dispose() => clock.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
