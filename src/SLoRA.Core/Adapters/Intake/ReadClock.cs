namespace SLoRA.Adapters.Intake;

/// <summary>
/// The time of one reading. What it is made to wait for its turn does not count. Tells once when nothing has come for a while, and once
/// when the time is over. Thread-safe.
/// </summary>
internal sealed class ReadClock : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly TimeSpan _patience;
    private readonly TimeSpan _limit;
    private readonly Action _slow;
    private readonly Action _over;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private ITimer? _timer;
    private long _began;
    private long _restBegan;
    private TimeSpan _rested;
    private TimeSpan _lastCame;
    private bool _rests;
    private bool _isSlow;
    private bool _ended;

    /// <summary>A clock that stands still until <see cref="Start"/>.</summary>
    /// <param name="clock">Measures time.</param>
    /// <param name="patience">After how long without a byte a reading is slow.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="slow">Told, once, that it is slow.</param>
    /// <param name="over">Told, once, that its time is over.</param>
    public ReadClock(TimeProvider clock, TimeSpan patience, TimeSpan limit, Action slow, Action over)
    {
        _clock = clock;
        _patience = patience;
        _limit = limit;
        _slow = slow;
        _over = over;
    }

    /// <summary>Nobody wants the outcome any more.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Begins to measure.</summary>
    public void Start()
    {
        lock (_gate)
        {
            _began = _clock.GetTimestamp();
            if (!_ended)
            {
                _timer = _clock.CreateTimer(static clock => ((ReadClock)clock!)
                    .Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                SetTimer(TimeSpan.Zero);
            }
        }
    }

    /// <summary>Bytes have come.</summary>
    public void HasCome()
    {
        lock (_gate)
        {
            _lastCame = Taken();
        }
    }

    /// <summary>Waits for its turn from here on.</summary>
    public void Rest()
    {
        lock (_gate)
        {
            _rests = true;
            _restBegan = _clock.GetTimestamp();
        }
    }

    /// <summary>Has its turn.</summary>
    public void GoOn()
    {
        lock (_gate)
        {
            _rests = false;
            _rested += _clock.GetElapsedTime(_restBegan);
            SetTimer(Taken());
        }
    }

    /// <summary>Tells whoever reads that nobody wants the outcome any more.</summary>
    public void GiveUp()
    {
        Dispose();
        _ending.Cancel();
    }

    /// <summary>The reading has ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _timer?.Dispose();
        }
    }

    private void Look()
    {
        bool isOver;
        bool isSlow;
        lock (_gate)
        {
            if (_ended || _rests)
            {
                return;
            }

            TimeSpan taken = Taken();
            isOver = taken >= _limit;
            isSlow = !isOver && !_isSlow && taken - _lastCame >= _patience;
            _isSlow |= isSlow;
            if (!isOver)
            {
                SetTimer(taken);
            }
        }

        if (isOver)
        {
            _over();
        }
        else if (isSlow)
        {
            _slow();
        }
    }

    private TimeSpan Taken() => _clock.GetElapsedTime(_began) - _rested;

    private void SetTimer(TimeSpan taken)
    {
        if (_ended)
        {
            return;
        }

        TimeSpan rest = _limit - taken;
        TimeSpan patience = _patience - (taken - _lastCame);
        rest = !_isSlow && patience < rest ? patience : rest;

        // The system's timers drop what is less than a millisecond; one that has fired too early looks again.
        _timer?.Change(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
