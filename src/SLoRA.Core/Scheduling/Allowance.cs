namespace SLoRA.Scheduling;

/// <summary>
/// What a <see cref="Quota"/> leaves of an account: a bucket of rows that fills with time, and places. Belongs to the engine's thread.
/// </summary>
/// <param name="quota">The most.</param>
/// <param name="frequency">Ticks of the clock in a second.</param>
internal sealed class Allowance(Quota quota, long frequency)
{
    /// <summary>What a bucket holds for which nothing else is said, in seconds of its rate.</summary>
    private const double DefaultBurst = 10;

    private readonly double _perTick = (quota.RowsPerSecond ?? 0) / frequency;
    private readonly double _burst = quota.Burst ?? (quota.RowsPerSecond ?? 0) * DefaultBurst;
    private double _rows = quota.Burst ?? (quota.RowsPerSecond ?? 0) * DefaultBurst;
    private double _walkedRows;
    private int _walkedSequences;
    private long _since;

    /// <summary>Sequences that have been admitted and not ended.</summary>
    public int Running { get; private set; }

    /// <summary>Whether walks of this step have gone past requests of the account.</summary>
    public bool IsWalked => _walkedSequences > 0;

    /// <summary>Whether nothing would be lost if it were forgotten and began anew.</summary>
    public bool IsWhole(long now)
    {
        Fill(now);
        return Running == 0 && (quota.RowsPerSecond is null || _rows >= _burst);
    }

    /// <summary>When a request may be admitted that is the next of its account.</summary>
    /// <param name="rows">Rows that it needs at most.</param>
    /// <param name="sequences">Its continuations.</param>
    /// <param name="now">Timestamp of the clock.</param>
    /// <returns>
    /// Not later than <paramref name="now"/> when it may be now; <see cref="long.MaxValue"/> when others must end before.
    /// </returns>
    public long AffordableAt(long rows, int sequences, long now)
    {
        int running = Running + _walkedSequences;
        if (quota.MaxRunning is { } most && running > 0 && running + sequences > most)
        {
            return long.MaxValue;
        }

        if (quota.RowsPerSecond is null)
        {
            return now;
        }

        Fill(now);
        double missing = Math.Min(rows, _burst) - (_rows - _walkedRows);
        return missing <= 0 ? now : now + (long)Math.Min(Math.Ceiling(missing / _perTick), long.MaxValue / 4);
    }

    /// <summary>A request is admitted.</summary>
    public void Take(long rows, int sequences)
    {
        _rows -= rows;
        Running += sequences;
    }

    /// <summary>A request has ended.</summary>
    /// <param name="unused">Rows that were taken for it and not computed.</param>
    /// <param name="sequences">Its continuations.</param>
    public void Return(long unused, int sequences)
    {
        _rows = Math.Min(_burst, _rows + unused);
        Running -= sequences;
    }

    /// <summary>A walk goes past a request: what it would take counts until the step is over.</summary>
    public void Walk(long rows, int sequences)
    {
        _walkedRows += rows;
        _walkedSequences += sequences;
    }

    /// <summary>The walks of a step count no more.</summary>
    public void ForgetWalks() => (_walkedRows, _walkedSequences) = (0, 0);

    private void Fill(long now)
    {
        _rows = Math.Min(_burst, _rows + (Math.Max(0, now - _since) * _perTick));
        _since = now;
    }
}
