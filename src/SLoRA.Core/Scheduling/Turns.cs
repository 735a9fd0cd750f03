namespace SLoRA.Scheduling;

/// <summary>
/// The requests that wait and never ran, in the order of a <see cref="SchedulingPolicy"/>: merges what waits for each account and priority,
/// as far as somebody looks. What has been reached keeps its place until the next step; then it goes back, so that a step costs what was
/// looked at, times the logarithm of what waits. Belongs to the engine's thread.
/// </summary>
/// <param name="ageing">Ticks of the clock after which one has waited for too long.</param>
/// <param name="shares">How work is shared out; null when it is not.</param>
internal sealed class Turns(long ageing, FairShares? shares)
{
    private readonly Heap<Flow> _flows = new(Flow.CompareTurns, Flow.ByTurn);
    private readonly Heap<Flow> _unaged = new(Flow.CompareSince, Flow.BySince);
    private readonly Heap<Flow> _overQuota = new(Flow.CompareQuotas, Flow.ByQuota);
    private readonly Heap<Standing> _unready = new(Standing.CompareUnready, Standing.ByKey);
    private readonly List<Standing?> _reached = [];
    private readonly List<Account> _walked = [];
    private readonly double _slack = shares?.Slack ?? 0;
    private TurnRank _rank;
    private long _now;

    /// <summary>Requests that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Those of them that are ready.</summary>
    public int Ready { get; private set; }

    /// <summary>Those of the ready ones of which it is known that their quotas do not let them run now.</summary>
    public int OverQuota { get; private set; }

    /// <summary>Whether there is one that could run, or may be.</summary>
    public bool HasNext => _flows.Count > 0;

    /// <summary>When the next quota lets somebody run without anything else happening; <see cref="long.MaxValue"/> for never.</summary>
    public long NextAffordableAt => _overQuota.First?.AffordableAt ?? long.MaxValue;

    /// <summary>Those who were reached and still wait go back to where they stood.</summary>
    public void Begin(long now)
    {
        _now = now;
        _rank = TurnRank.First;
        foreach (Standing? standing in _reached)
        {
            if (standing is not null)
            {
                standing.Reached = Standing.Unreached;
                standing.IsWalked = false;
                NoteWithinQuota(standing);
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
            QuotaChanged(account);
        }

        _walked.Clear();
        while (_overQuota.First is { } affordable && affordable.AffordableAt <= now)
        {
            Place(affordable);
        }

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
        foreach (Flow flow in account.Flows)
        {
            if (flow.Tag != account.Counter + account.Walked)
            {
                SetTag(flow);
                if (_flows.Contains(flow))
                {
                    _flows.Update(flow);
                }
            }
        }
    }

    /// <summary>What some requests are compared by is about to change: they stand nowhere until <see cref="Restore"/>.</summary>
    public void Withdraw(Affinity affinity)
    {
        foreach (RequestGroup group in affinity.Groups)
        {
            Take(group.Flow);
            group.Flow.Withdraw(group);
        }
    }

    /// <summary>They stand where it has put them.</summary>
    public void Restore(Affinity affinity)
    {
        foreach (RequestGroup group in affinity.Groups)
        {
            group.Flow.Restore(group);
            Place(group.Flow);
        }
    }

    /// <summary>The quota of an account may let more run: who waits for it is looked at again.</summary>
    public void QuotaChanged(Account account)
    {
        foreach (Flow flow in account.Flows)
        {
            if (_overQuota.Contains(flow))
            {
                Place(flow);
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
        NoteWithinQuota(standing);
        if (standing.Reached == Standing.Unreached)
        {
            Dequeue(standing);
        }

        Flow flow = standing.Flow;
        flow.Waiting--;
        flow.Left(standing.Group);
        if (isAdmitted)
        {
            // Its turn is over; what it has been given since then says when the next one is.
            flow.Since = _now;
            Place(flow);
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
            if (_reached[place] is { IsWaiting: true } standing && (!onlyReady || standing is { IsReady: true, IsOverQuota: false }))
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
        Standing? next = TakeNext();
        if (next is null && !onlyReady)
        {
            next = TakeUnready();
        }

        if (next is null)
        {
            return false;
        }

        _rank = TurnRank.Later(_rank, next.Rank);
        next.Rank = _rank;
        next.Reached = _reached.Count;
        _reached.Add(next);
        return true;
    }

    /// <summary>The next of all that are ready and within their quotas; flows that are not are put aside.</summary>
    private Standing? TakeNext()
    {
        while (_flows.First is { } flow)
        {
            Standing next = flow.Next(_now - ageing);
            Account account = flow.Account;
            long at = account.Allowance?.AffordableAt(next.Rows, next.Continuations, _now) ?? _now;
            if (at > _now)
            {
                Take(flow);
                flow.AffordableAt = at;
                flow.IsOverQuota = !account.Allowance!.IsWalked;
                flow.OverQuota = flow.Count;
                OverQuota += flow.OverQuota;
                _overQuota.Add(flow);
                continue;
            }

            next.Rank = new TurnRank(flow.Priority, flow.Tag, account.Returned > 0);
            flow.Remove(next);
            Place(flow, hasHadTurn: true);
            if (shares is not null || account.Allowance is not null)
            {
                Walk(account, next);
            }

            return next;
        }

        return null;
    }

    /// <summary>The next of those that cannot run: whoever wants to see everybody sees them too.</summary>
    private Standing? TakeUnready()
    {
        Standing? next = _unready.First;
        if (next is not null)
        {
            _unready.Remove(next);
        }
        else if (_overQuota.First is { } flow)
        {
            next = TakeOverQuota(flow);
        }

        next?.Rank = TurnRank.Last;
        return next;
    }

    /// <summary>Takes one out that its quota does not let run.</summary>
    private Standing TakeOverQuota(Flow flow)
    {
        Standing next = flow.Next(_now - ageing);
        next.IsOverQuota = true;
        flow.OverQuota--;
        flow.Remove(next);
        if (flow.Count == 0)
        {
            _overQuota.Remove(flow);
        }

        return next;
    }

    private void NoteWithinQuota(Standing standing)
    {
        OverQuota -= standing.IsOverQuota ? 1 : 0;
        standing.IsOverQuota = false;
    }

    private void Walk(Account account, Standing standing)
    {
        if (!account.IsWalked)
        {
            _walked.Add(account);
        }

        standing.IsWalked = true;
        account.Walk(shares is null ? 0 : standing.Sequence.Pending);
        account.Allowance?.Walk(standing.Rows, standing.Continuations);
        Settled(account);
    }

    private void SetTag(Flow flow)
    {
        flow.Tag = flow.Account.Counter + flow.Account.Walked;
        flow.Level = _slack > 0 ? Math.Floor(flow.Tag / _slack) : flow.Tag;
    }

    private bool IsAged(Flow flow) => _now - flow.Since >= ageing;

    private void Enqueue(Standing standing)
    {
        if (!standing.IsReady)
        {
            _unready.Add(standing);
            return;
        }

        standing.Flow.Add(standing);
        Place(standing.Flow);
    }

    private void Dequeue(Standing standing)
    {
        if (!standing.IsReady)
        {
            _unready.Remove(standing);
            return;
        }

        standing.Flow.Remove(standing);
        Place(standing.Flow);
    }

    /// <summary>Takes a flow out, wherever it stands.</summary>
    private void Take(Flow flow)
    {
        LeaveQuota(flow);
        if (_flows.Contains(flow))
        {
            _flows.Remove(flow);
        }

        if (_unaged.Contains(flow))
        {
            _unaged.Remove(flow);
        }
    }

    private void LeaveQuota(Flow flow)
    {
        if (!_overQuota.Contains(flow))
        {
            return;
        }

        _overQuota.Remove(flow);
        OverQuota -= flow.OverQuota;
        if (flow.IsOverQuota)
        {
            // Nobody has passed it while its own quota held it back.
            flow.Since = Math.Max(flow.Since, _now);
        }
    }

    /// <summary>Puts a flow where what it is compared by has put it, wherever it stood.</summary>
    private void Place(Flow flow, bool hasHadTurn = false)
    {
        if (!flow.HasNext)
        {
            Take(flow);
            return;
        }

        LeaveQuota(flow);
        flow.IsAged = !hasHadTurn && IsAged(flow);
        SetTag(flow);
        Place(_flows, flow);
        if (!flow.IsAged)
        {
            Place(_unaged, flow);
        }
        else if (_unaged.Contains(flow))
        {
            _unaged.Remove(flow);
        }
    }

    private static void Place(Heap<Flow> heap, Flow flow)
    {
        if (heap.Contains(flow))
        {
            heap.Update(flow);
        }
        else
        {
            heap.Add(flow);
        }
    }
}
