using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// The order of a <see cref="SchedulingPolicy"/>: by class, by what each client or adapter has been given, by what the policy says within
/// one of them; and a turn before all others for those whom that would hold back for too long. Sequences that have run go before those that
/// have not. Belongs to the engine's thread.
/// </summary>
/// <remarks>
/// What is given is charged when a request is admitted, for the rows of its prompt that are to be computed, and with each token; what it
/// was charged for and ended without comes back. Rows that are computed once more after a preemption cost nothing: nobody asked for that.
/// So what changes the order of those that run is a token, or an admission, and both bring an end nearer.
/// </remarks>
internal sealed class PolicyOrder : IQueueOrder
{
    private readonly SchedulingPolicy _policy;
    private readonly Accounts _accounts;
    private readonly Turns _turns;
    private readonly ReturnedSequences _returned;
    private readonly FirstTokenTargets _targets;
    private readonly List<Account> _touched = [];
    private readonly List<Standing> _prepaid = [];
    private long _runningRows;

    /// <summary>Nobody waits.</summary>
    /// <param name="policy">What the order is.</param>
    /// <param name="clock">The engine's, whose timestamps the order is told.</param>
    public PolicyOrder(SchedulingPolicy policy, TimeProvider clock)
    {
        _policy = policy;
        _accounts = new Accounts(policy.Shares);
        _turns = new Turns(Math.Max(1, (long)(policy.Ageing.TotalSeconds * clock.TimestampFrequency)), policy.Shares is not null);
        _returned = new ReturnedSequences(Compare);
        _targets = new FirstTokenTargets(this, clock);
    }

    /// <inheritdoc/>
    public int Count => _returned.Count + _turns.Count;

    /// <inheritdoc/>
    public int Ready => _returned.Count + _turns.Ready;

    /// <inheritdoc/>
    public void Begin(long now)
    {
        TakeBack();
        _turns.Begin(now);
        foreach (Account account in _touched)
        {
            account.Settle();
            _turns.Settled(account);
        }

        _touched.Clear();
        _returned.Sort();
        _targets.Begin(now, _runningRows > 0 || _turns.Ready > 0);
    }

    /// <inheritdoc/>
    public void Arrive(Sequence sequence, bool isReady)
    {
        RequestState request = sequence.Request;
        Account account = _accounts.Of(request.Asked);
        _accounts.Arrived(account);
        Touch(account);
        long key = _policy.Order switch
        {
            ServiceOrder.LastCome => -request.Arrival,
            ServiceOrder.ShortestFirst => (long)sequence.PromptLength + request.Stream.MaxTokens,
            _ => 0,
        };
        var standing = new Standing(sequence, account.FlowOf(_policy.Priorities ? request.Asked.Priority : 0), key)
        {
            IsReady = isReady,
            Due = _policy.AbortsLate ? _targets.DueOf(request) : 0,
        };
        request.Standing = standing;
        _turns.Add(standing);
        _targets.Add(standing);
    }

    /// <inheritdoc/>
    public void Return(Sequence sequence)
    {
        Standing standing = StandingOf(sequence);
        if (standing.Sequence == sequence)
        {
            _turns.Forget(standing);
        }

        _returned.Add(sequence);
    }

    /// <inheritdoc/>
    public void Admit(Sequence sequence)
    {
        if (TryLeave(sequence, isAdmitted: true) is { } standing)
        {
            standing.Prepaid = sequence.Pending;
            _runningRows += standing.Prepaid;
            _prepaid.Add(standing);
            Touch(standing.Flow.Account);
            _accounts.ChargePrompt(standing.Flow.Account, standing.Prepaid);
        }
    }

    /// <inheritdoc/>
    public void Leave(Sequence sequence) => TryLeave(sequence, isAdmitted: false);

    /// <inheritdoc/>
    public void SetReady(Sequence sequence, bool isReady)
    {
        if (StandingOf(sequence) is { IsWaiting: true } standing)
        {
            _turns.SetReady(standing, isReady);
        }
    }

    /// <inheritdoc/>
    public Sequence? Next(Sequence? after) => Next(after, onlyReady: false);

    /// <inheritdoc/>
    public Sequence? NextReady(Sequence? after) => Next(after, onlyReady: true);

    /// <inheritdoc/>
    public int Compare(Sequence a, Sequence b)
    {
        if (a == b || a.Request.HasRun != b.Request.HasRun)
        {
            return a == b ? 0 : a.Request.HasRun ? -1 : 1;
        }

        Standing first = StandingOf(a);
        Standing second = StandingOf(b);
        return a.Request.HasRun ? CompareRun(a, first, b, second) : CompareWaiting(first, second);
    }

    /// <inheritdoc/>
    public bool GoesBefore(Preload preload, Sequence sequence) =>
        !sequence.Request.HasRun && preload.Arrival < sequence.Request.Arrival;

    /// <inheritdoc/>
    public void Charge(Sequence sequence, Served served)
    {
        Standing standing = StandingOf(sequence);
        int computed = Math.Min(standing.Prepaid, served.PromptRows + served.OutputRows);
        standing.Prepaid -= computed;
        _runningRows -= computed;
        _targets.Note(computed);
        Touch(standing.Flow.Account);
        _accounts.Charge(standing.Flow.Account, served);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ExpiredRequest> Expired(long now) => _policy.AbortsLate ? _targets.Expired(now, _runningRows) : [];

    /// <summary>Of those that have run: by class, by what the account has been given, by admission.</summary>
    private static int CompareRun(Sequence a, Standing first, Sequence b, Standing second)
    {
        int order = second.Flow.Priority.CompareTo(first.Flow.Priority);
        order = order != 0 ? order : Account.Compare(first.Flow.Account, second.Flow.Account);
        order = order != 0 ? order : a.Request.FirstAdmission.CompareTo(b.Request.FirstAdmission);
        order = order != 0 ? order : a.Request.Arrival.CompareTo(b.Request.Arrival);
        return order != 0 ? order : a.Continuation.CompareTo(b.Continuation);
    }

    /// <summary>Those that have been reached in this step stand as they were; of the others it is said what they are compared by.</summary>
    private static int CompareWaiting(Standing first, Standing second)
    {
        bool isFirstReached = first.Reached != Standing.Unreached;
        bool isSecondReached = second.Reached != Standing.Unreached;
        if (isFirstReached && isSecondReached)
        {
            return first.Reached.CompareTo(second.Reached);
        }

        return isFirstReached ? -1 : isSecondReached ? 1 : Standing.CompareFlows(first, second);
    }

    private static Standing StandingOf(Sequence sequence) => (Standing)sequence.Request.Standing!;

    private Sequence? Next(Sequence? after, bool onlyReady)
    {
        Standing? behind = after is null || ReturnedSequences.Has(after) ? null : StandingOf(after);
        if (behind is null && _returned.Next(after) is { } returned)
        {
            return returned;
        }

        int place = behind is null || behind.Sequence != after ? 0 : _turns.Behind(behind);
        return _turns.At(place, onlyReady)?.Sequence;
    }

    private Standing? TryLeave(Sequence sequence, bool isAdmitted)
    {
        if (ReturnedSequences.Has(sequence))
        {
            _returned.Remove(sequence);
            return null;
        }

        Standing standing = StandingOf(sequence);
        _turns.Remove(standing, isAdmitted);
        _targets.Remove(standing);
        _accounts.Left(standing.Flow.Account, isAdmitted);
        return standing;
    }

    /// <summary>Accounts have back what they paid for rows that are no longer to be computed.</summary>
    private void TakeBack()
    {
        int kept = 0;
        for (int i = 0; i < _prepaid.Count; i++)
        {
            Standing standing = _prepaid[i];
            if (standing.Prepaid > 0 && standing.Sequence.Finished is null)
            {
                _prepaid[kept++] = standing;
                continue;
            }

            _runningRows -= standing.Prepaid;
            Touch(standing.Flow.Account);
            _accounts.ChargePrompt(standing.Flow.Account, -standing.Prepaid);
            standing.Prepaid = 0;
        }

        _prepaid.RemoveRange(kept, _prepaid.Count - kept);
    }

    private void Touch(Account account)
    {
        if (!account.IsTouched)
        {
            account.IsTouched = true;
            _touched.Add(account);
        }
    }
}
