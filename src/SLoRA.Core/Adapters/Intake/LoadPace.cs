namespace SLoRA.Adapters.Intake;

/// <summary>
/// Keeps reading, hashing and packing from taking the processors away from the steps: while sequences compute, one load works at a time,
/// the oldest that could, and all of them together work at most a stated share of each step's time. They need not spread it over the step:
/// what a step allows may be worked off at its start, so that a load that fits into one step is there at its end. While nobody computes all
/// work as fast as they can. Thread-safe.
/// </summary>
/// <param name="share">The share of a step's time; with all of it a load never rests for what it has worked.</param>
/// <param name="clock">Measures work and steps.</param>
internal sealed class LoadPace(double share, TimeProvider clock)
{
    /// <summary>Bytes between two looks at the clock.</summary>
    public const int PieceBytes = 1 << 20;

    // Reading is mostly waiting, which costs nobody; the copy out of the system's cache runs at about this speed.
    private const double ReadBytesPerSecond = 4e9;

    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromHours(1);

    // Guards what is below; a monitor, because loads wait in it for their turn.
    private readonly object _gate = new();
    private readonly SortedSet<long> _waiting = [];
    private ITimer? _alarm;
    private long _loads;
    private bool _isBusy;

    // The load that works while sequences compute; 0 for none.
    private long _holder;
    private long _stepBegan;
    private TimeSpan _stepTime;
    private TimeSpan _work;

    /// <summary>Loads that wait for their turn.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>A load begins.</summary>
    /// <param name="reading">The reading that it is; its time stands still while the load rests. Null for one without a limit.</param>
    /// <param name="cancellation">Ends the load where there is no reading to end it.</param>
    public PacedLoad Begin(ReadClock? reading = null, CancellationToken cancellation = default)
    {
        var load = new PacedLoad(this, Interlocked.Increment(ref _loads), reading, reading?.Ending ?? cancellation);
        reading?.Ending.UnsafeRegister(static load => ((PacedLoad)load!).Surrender(), load);
        return load;
    }

    /// <summary>A step begins. Engine's thread.</summary>
    /// <param name="isBusy">Whether sequences compute.</param>
    /// <param name="expected">How long the step will take, by what the last ones took.</param>
    public void BeginStep(bool isBusy, TimeSpan expected)
    {
        lock (_gate)
        {
            // A step that was shorter than expected has allowed less than it gave: the next one gives so much less.
            TimeSpan owed = _work - (share * SinceBegin());
            _work = _isBusy && isBusy && owed > TimeSpan.Zero ? owed : TimeSpan.Zero;
            _isBusy = isBusy;
            _stepBegan = clock.GetTimestamp();
            _stepTime = expected;
            WakeWaiting();
        }
    }

    /// <summary>Waits until a load may work.</summary>
    /// <param name="load">The load's number: smaller ones are older and go first.</param>
    /// <param name="reading">Whose time stands still while it waits; null for nobody's.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    internal Turn Enter(long load, ReadClock? reading, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (!MayWork(load))
            {
                Wait(load, reading, cancellation);
            }

            _holder = _isBusy ? load : _holder;
            return new Turn(this, _isBusy ? load : 0, clock.GetTimestamp());
        }
    }

    /// <summary>A load has been given up: whatever its thread still does, others do not wait for it.</summary>
    internal void Surrender(long load)
    {
        lock (_gate)
        {
            Free(load);
        }
    }

    /// <summary>Notes that bytes have been read, which costs some work too.</summary>
    internal void HasRead(long bytes)
    {
        lock (_gate)
        {
            _work += TimeSpan.FromSeconds(bytes / ReadBytesPerSecond);
        }
    }

    private void Wait(long load, ReadClock? reading, CancellationToken cancellation)
    {
        CancellationTokenRegistration wake = cancellation.UnsafeRegister(static pace => ((LoadPace)pace!).WakeUp(), this);
        _waiting.Add(load);
        reading?.Rest();
        try
        {
            while (!MayWork(load))
            {
                cancellation.ThrowIfCancellationRequested();
                SetAlarm();
                Monitor.Wait(_gate);
            }
        }
        finally
        {
            // Not disposed, which would wait for a callback that waits for this lock.
            wake.Unregister();
            reading?.GoOn();
            _waiting.Remove(load);
        }
    }

    private bool MayWork(long load)
    {
        if (!_isBusy)
        {
            return true;
        }

        bool isOldest = _waiting.Count == 0 || load <= _waiting.Min;
        return isOldest && _holder == 0 && (share >= 1 || _work <= Allowed());
    }

    /// <summary>What may have been worked by now: the whole expected step is given at its start.</summary>
    private TimeSpan Allowed()
    {
        TimeSpan passed = SinceBegin();
        return share * (passed > _stepTime ? passed : _stepTime);
    }

    /// <summary>
    /// Wakes those who wait when the step has allowed what has been worked. Who waits for another's turn is woken at its end.
    /// </summary>
    private void SetAlarm()
    {
        if (_holder != 0)
        {
            return;
        }

        // In numbers: with a tiny share it would be more than a TimeSpan can say.
        double seconds = (_work.TotalSeconds / share) - SinceBegin().TotalSeconds;
        TimeSpan rest =
            seconds < LongestRest.TotalSeconds ? TimeSpan.FromSeconds(Math.Max(seconds, ShortestRest.TotalSeconds)) : LongestRest;
        _alarm ??= clock.CreateTimer(static pace => ((LoadPace)pace!).WakeUp(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _alarm.Change(rest, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan SinceBegin() => clock.GetElapsedTime(_stepBegan);

    private void Leave(long load, long since)
    {
        lock (_gate)
        {
            _work += clock.GetElapsedTime(since);
            Free(load);
        }
    }

    private void Free(long load)
    {
        if (_holder == load)
        {
            _holder = 0;
            WakeWaiting();
        }
    }

    private void WakeUp()
    {
        lock (_gate)
        {
            WakeWaiting();
        }
    }

    private void WakeWaiting()
    {
        if (_waiting.Count > 0)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The time that a load works. What is done meanwhile waits for nothing.</summary>
    /// <param name="pace">Who gave the turn.</param>
    /// <param name="load">Whose it is, while sequences compute: then the turn is the only one, and counts as work; 0 otherwise.</param>
    /// <param name="since">When it began.</param>
    internal readonly struct Turn(LoadPace pace, long load, long since) : IDisposable
    {
        /// <summary>How long it has lasted.</summary>
        public TimeSpan Elapsed => pace.Clock.GetElapsedTime(since);

        /// <inheritdoc/>
        public void Dispose()
        {
            if (load != 0)
            {
                pace.Leave(load, since);
            }
        }
    }

    private TimeProvider Clock => clock;
}
