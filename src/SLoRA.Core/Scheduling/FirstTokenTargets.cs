using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Finds the waiting requests that can no longer have their first token in the time that they were given: by what goes before them, and by
/// how fast the engine has computed prompts so far. Belongs to the engine's thread.
/// </summary>
/// <param name="order">The order in which they run.</param>
/// <param name="accounts">Told of those that are given up.</param>
/// <param name="clock">The engine's.</param>
internal sealed class FirstTokenTargets(IQueueOrder order, Accounts accounts, TimeProvider clock)
{
    /// <summary>How many of those next to run are looked at between two steps; of all others only what is already over.</summary>
    private const int LookAhead = 64;

    /// <summary>How much faster than lately the queue may get on: nobody is given up who could be served then.</summary>
    private const double Doubt = 1.5;

    private readonly Heap<Standing> _due = new(Standing.CompareDues, Standing.ByDue);
    private readonly List<ExpiredRequest> _expired = [];
    private readonly PromptRate _rate = new();

    /// <summary>When the first token of a request is wanted; 0 when it does not say.</summary>
    public long DueOf(RequestState request) =>
        request.Asked.FirstTokenTarget is { } target
            ? request.Arrived + (long)(target.TotalSeconds * clock.TimestampFrequency)
            : 0;

    /// <summary>A request waits.</summary>
    public void Add(Standing standing)
    {
        if (standing.Due != 0)
        {
            _due.Add(standing);
        }
    }

    /// <summary>A request waits no more.</summary>
    public void Remove(Standing standing)
    {
        if (_due.Contains(standing))
        {
            _due.Remove(standing);
        }
    }

    /// <summary>Rows of prompts have been computed for the first time.</summary>
    public void Note(int rows) => _rate.Note(rows);

    /// <summary>A step begins.</summary>
    public void Begin(long now, bool isBusy) => _rate.Begin(now, isBusy);

    /// <summary>The requests for which it is too late, each once.</summary>
    /// <param name="now">Timestamp of the engine's clock.</param>
    /// <param name="runningRows">Rows of prompts of those that run: they are computed first.</param>
    public IReadOnlyList<ExpiredRequest> Expired(long now, long runningRows)
    {
        _expired.Clear();
        while (_due.First is { } standing && standing.Due <= now)
        {
            Expire(standing, now);
        }

        if (_due.Count > 0 && _rate.TicksPerRow > 0)
        {
            LookAt(now, runningRows);
        }

        return _expired;
    }

    private void LookAt(long now, long runningRows)
    {
        long before = 0;
        Sequence? sequence = order.NextReady(null);
        for (int left = LookAhead; left > 0 && sequence is not null; left--)
        {
            double computing = (runningRows + sequence.Pending) * _rate.ComputingTicksPerRow;
            double waiting = before * _rate.TicksPerRow;
            if (!sequence.Request.HasRun && sequence.Request.Standing is Standing standing && _due.Contains(standing)
                && now + computing + (waiting / Doubt) > standing.Due)
            {
                Expire(standing, (long)(now + computing + waiting));
            }
            else
            {
                before += sequence.Pending;
            }

            sequence = order.NextReady(sequence);
        }
    }

    private void Expire(Standing standing, long ready)
    {
        _due.Remove(standing);
        accounts.Aborted(standing.Account);
        RequestState request = standing.Sequence.Request;
        _expired.Add(new ExpiredRequest(
            request,
            new FirstTokenTargetException(request.Asked.FirstTokenTarget!.Value, clock.GetElapsedTime(request.Arrived, ready))));
    }
}
