namespace SLoRA.Scheduling;

/// <summary>
/// The requests that wait and never ran, in the order of a <see cref="SchedulingPolicy"/>: merges what waits for each account and priority,
/// as far as somebody looks. What has been reached keeps its place until the next step; then it goes back, so that a step costs what was
/// looked at, times the logarithm of what waits. Belongs to the engine's thread.
/// </summary>
/// <param name="ageing">Ticks of the clock after which one has waited for too long.</param>
/// <param name="charges">Whether rows of prompts are charged at all.</param>
internal sealed class Turns(long ageing, bool charges)
{
    private readonly Heap<Flow> _flows = new(Flow.CompareTurns, Flow.ByTurn);
    private readonly Heap<Flow> _unaged = new(Flow.CompareSince, Flow.BySince);
    private readonly Heap<Standing> _unready = new(Standing.CompareUnready, Standing.ByKey);
    private readonly List<Standing?> _reached = [];
    private readonly List<Account> _walked = [];
    private long _now;

    /// <summary>Requests that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Those of them that are ready.</summary>
    public int Ready { get; private set; }

    /// <summary>Those who were reached and still wait go back to where they stood.</summary>
    public void Begin(long now)
    {
        _now = now;
        foreach (Standing? standing in _reached)
        {
            if (standing is not null)
            {
                standing.Reached = Standing.Unreached;
                if (standing.IsWaiting)
                {
                    Enqueue(standing);
                }
            }
        }

        _reached.Clear();
        foreach (Account account in _walked)
        {
            account.ForgetWalks();
            Settled(account);
        }

        _walked.Clear();
        while (_unaged.First is { } flow && IsAged(flow))
        {
            _unaged.Remove(flow);
            flow.IsAged = true;
            _flows.Update(flow);
        }
    }

    /// <summary>An account counts anew: its flows stand where that puts them.</summary>
    public void Settled(Account account)
    {
        foreach (Flow? flow in account.Flows)
        {
            if (flow is not null && flow.Tag != account.Counter + account.Walked)
            {
                flow.Tag = account.Counter + account.Walked;
                if (_flows.Contains(flow))
                {
                    _flows.Update(flow);
                }
            }
        }
    }

    /// <summary>A request waits.</summary>
    public void Add(Standing standing)
    {
        Count++;
        Ready += standing.IsReady ? 1 : 0;
        if (standing.Flow.Waiting++ == 0)
        {
            standing.Flow.Since = standing.Sequence.Request.Arrived;
        }

        Enqueue(standing);
    }

    /// <summary>A request waits no more.</summary>
    public void Remove(Standing standing, bool isAdmitted)
    {
        Count--;
        Ready -= standing.IsReady ? 1 : 0;
        standing.IsWaiting = false;
        if (standing.Reached == Standing.Unreached)
        {
            Dequeue(standing);
        }

        Flow flow = standing.Flow;
        flow.Waiting--;
        if (isAdmitted)
        {
            // Its turn is over; what it has been given since then says when the next one is.
            Take(flow);
            flow.Since = _now;
            Put(flow);
        }
    }

    /// <summary>Says whether a waiting request is ready.</summary>
    public void SetReady(Standing standing, bool isReady)
    {
        if (standing.IsReady == isReady)
        {
            return;
        }

        Ready += isReady ? 1 : -1;
        if (standing.Reached != Standing.Unreached)
        {
            standing.IsReady = isReady;
            return;
        }

        Dequeue(standing);
        standing.IsReady = isReady;
        Enqueue(standing);
    }

    /// <summary>The next one behind those that have so far been reached, at or behind a place.</summary>
    /// <param name="place">The place to begin at.</param>
    /// <param name="onlyReady">Whether those that lack content are left out.</param>
    public Standing? At(int place, bool onlyReady)
    {
        for (; place < _reached.Count || Reach(onlyReady); place++)
        {
            if (_reached[place] is { IsWaiting: true } standing && (standing.IsReady || !onlyReady))
            {
                return standing;
            }
        }

        return null;
    }

    /// <summary>The place behind one from which a walk goes on: it is reached first if it waits.</summary>
    public int Behind(Standing standing)
    {
        while (standing.Reached == Standing.Unreached && standing.IsWaiting && Reach(standing.IsReady))
        {
        }

        return standing.Reached + 1;
    }

    /// <summary>One that was reached has run and waits again, elsewhere.</summary>
    public void Forget(Standing standing)
    {
        if (standing.Reached != Standing.Unreached)
        {
            _reached[standing.Reached] = null;
            standing.Reached = Standing.Unreached;
        }
    }

    /// <summary>Merges one more.</summary>
    private bool Reach(bool onlyReady)
    {
        Standing next;
        if (_flows.First is { } flow)
        {
            next = flow.Take(_now - ageing);
            Take(flow);
            Put(flow, hasHadTurn: true);
            Account account = flow.Account;
            if (charges)
            {
                Walk(account, next.Sequence.Pending);
            }
        }
        else if (!onlyReady && _unready.First is { } unready)
        {
            _unready.Remove(next = unready);
        }
        else
        {
            return false;
        }

        next.Reached = _reached.Count;
        _reached.Add(next);
        return true;
    }

    private void Walk(Account account, int rows)
    {
        if (account.Walked == 0)
        {
            _walked.Add(account);
        }

        account.Walk(rows);
        Settled(account);
    }

    private bool IsAged(Flow flow) => _now - flow.Since >= ageing;

    private void Enqueue(Standing standing)
    {
        if (!standing.IsReady)
        {
            _unready.Add(standing);
            return;
        }

        Flow flow = standing.Flow;
        Take(flow);
        flow.Add(standing);
        Put(flow);
    }

    private void Dequeue(Standing standing)
    {
        if (!standing.IsReady)
        {
            _unready.Remove(standing);
            return;
        }

        Flow flow = standing.Flow;
        Take(flow);
        flow.Remove(standing);
        Put(flow);
    }

    private void Take(Flow flow)
    {
        if (_flows.Contains(flow))
        {
            _flows.Remove(flow);
        }

        if (_unaged.Contains(flow))
        {
            _unaged.Remove(flow);
        }
    }

    private void Put(Flow flow, bool hasHadTurn = false)
    {
        if (flow.Count == 0)
        {
            return;
        }

        flow.IsAged = !hasHadTurn && IsAged(flow);
        flow.Tag = flow.Account.Counter + flow.Account.Walked;
        _flows.Add(flow);
        if (!flow.IsAged)
        {
            _unaged.Add(flow);
        }
    }
}
