using System.Diagnostics;

namespace SLoRA.Adapters;

/// <summary>
/// Keeps reading, hashing and packing from taking the processors away from the steps: while sequences compute, one load works at a time, the oldest that could, and
/// all of them together work at most a stated share of each step's time. They need not spread it over the step: what a step allows may be worked off at its start,
/// so that a load that fits into one step is there at its end. While nobody computes all work as fast as they can. Thread-safe.
/// </summary>
/// <param name="share">The share of a step's time.</param>
internal sealed class LoadPace(double share)
{
    /// <summary>Bytes between two looks at the clock.</summary>
    public const int PieceBytes = 1 << 20;

    // Reading is mostly waiting, which costs nobody; the copy out of the system's cache runs at about this speed.
    private const double ReadBytesPerSecond = 4e9;

    // Guards what is below; a monitor, because loads wait in it for their turn.
    private readonly object _gate = new();
    private readonly SortedSet<long> _waiting = [];
    private long _loads;
    private bool _isBusy;
    private bool _isTaken;
    private long _stepBegan;
    private long _stepTicks;
    private long _work;

    /// <summary>A load begins.</summary>
    public PacedLoad Begin() => new(this, Interlocked.Increment(ref _loads));

    /// <summary>A step begins. Engine's thread.</summary>
    /// <param name="isBusy">Whether sequences compute.</param>
    /// <param name="expected">How long the step will take, by what the last ones took.</param>
    public void BeginStep(bool isBusy, TimeSpan expected)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            // A step that was shorter than expected has allowed less than it gave: the next one gives so much less.
            _work = _isBusy && isBusy ? Math.Max(0, _work - (long)(share * (now - _stepBegan))) : 0;
            _isBusy = isBusy;
            _stepBegan = now;
            _stepTicks = (long)(expected.TotalSeconds * Stopwatch.Frequency);
            if (_waiting.Count > 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Waits until a load may work.</summary>
    /// <param name="load">The load's number: smaller ones are older and go first.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    internal Turn Enter(long load, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (!IsNext(load))
            {
                Wait(load, cancellation);
            }

            _isTaken |= _isBusy;
            return new Turn(_isBusy ? this : null);
        }
    }

    /// <summary>Notes that bytes have been read, which costs some work too.</summary>
    internal void HasRead(long bytes)
    {
        lock (_gate)
        {
            _work += (long)(bytes / ReadBytesPerSecond * Stopwatch.Frequency);
        }
    }

    private void Wait(long load, CancellationToken cancellation)
    {
        CancellationTokenRegistration wake = cancellation.UnsafeRegister(static pace => ((LoadPace)pace!).WakeUp(), this);
        _waiting.Add(load);
        try
        {
            while (!IsNext(load))
            {
                cancellation.ThrowIfCancellationRequested();
                Monitor.Wait(_gate, UntilAllowed());
            }
        }
        finally
        {
            // Not disposed, which would wait for a callback that waits for this lock.
            wake.Unregister();
            _waiting.Remove(load);
        }
    }

    private bool IsNext(long load) => !_isBusy || (!_isTaken && !(_waiting.Min < load && _waiting.Count > 0) && _work < share * Math.Max(_stepTicks, SinceBegin()));

    /// <summary>How long it takes at most until the step has allowed what has been worked; somebody who waits for another's turn is woken.</summary>
    private TimeSpan UntilAllowed()
    {
        double seconds = ((_work / share) - SinceBegin()) / Stopwatch.Frequency;
        return _isTaken || seconds > 3600 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(Math.Max(seconds, 1e-3));
    }

    private long SinceBegin() => Stopwatch.GetTimestamp() - _stepBegan;

    private void Leave(long since)
    {
        lock (_gate)
        {
            _isTaken = false;
            _work += Stopwatch.GetTimestamp() - since;
            if (_waiting.Count > 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void WakeUp()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The time that a load works. What is done meanwhile waits for nothing.</summary>
    internal readonly struct Turn : IDisposable
    {
        private readonly LoadPace? _pace;
        private readonly long _since;

        /// <summary>Begins.</summary>
        /// <param name="pace">Who is told when it ends; null when nobody computes.</param>
        public Turn(LoadPace? pace)
        {
            _pace = pace;
            _since = Stopwatch.GetTimestamp();
        }

        /// <inheritdoc/>
        public void Dispose() => _pace?.Leave(_since);
    }
}
