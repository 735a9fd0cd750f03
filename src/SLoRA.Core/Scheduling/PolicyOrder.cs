using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// The order of a <see cref="SchedulingPolicy"/>: by class, by what each account has been given, by what the engine has for them, by what
/// the policy says among the rest; and a turn before all others for those whom that would hold back for too long. Those are passed over
/// that are beyond their quotas. Sequences that have run go before those that have not. Belongs to the engine's thread.
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
    private readonly WaitingWalk _walk;
    private readonly FirstTokenTargets _targets;
    private readonly RunningQuotas _quotas;
    private readonly Affinities _affinities;
    private readonly List<Account> _touched = [];
    private readonly List<Standing> _prepaid = [];
    private readonly long _ageing;
    private long _runningRows;
    private long _now;

    /// <summary>Nobody waits.</summary>
    /// <param name="policy">What the order is.</param>
    /// <param name="clock">The engine's, whose timestamps the order is told.</param>
    /// <param name="maxAccountNames">Accounts of which is told by name.</param>
    public PolicyOrder(SchedulingPolicy policy, TimeProvider clock, int maxAccountNames = 0)
    {
        _policy = policy;
        _accounts = new Accounts(policy, clock, maxAccountNames);
        _ageing = Math.Max(1, (long)(policy.Ageing.TotalSeconds * clock.TimestampFrequency));
        _turns = new Turns(_ageing, policy.Shares);
        _affinities = new Affinities(policy.Locality, _turns);
        _quotas = new RunningQuotas(_turns);
        _returned = new ReturnedSequences(CompareReturned);
        Claims = policy.Shares is { Preempts: true } ? new Claims() : null;
        _walk = new WaitingWalk(_returned, _turns, merges: Claims is not null);
        _targets = new FirstTokenTargets(this, _accounts, clock);
    }

    /// <inheritdoc/>
    public int Count => _returned.Count + _turns.Count;

    /// <inheritdoc/>
    public int Ready => _returned.Count + _turns.Ready;

    /// <inheritdoc/>
    public int OverQuota => _turns.OverQuota;

    /// <inheritdoc/>
    public long NextChange => _turns.NextAffordableAt;

    /// <inheritdoc/>
    public AccountBook? Accounts => _policy.HasAccounts ? _accounts.Book : null;

    /// <inheritdoc/>
    public Claims? Claims { get; }

    /// <summary>Kinds of requests of which it is known what the engine has for them. For what happens seldom.</summary>
    public int AffinityCount => _affinities.Count;

    /// <summary>Accounts that are remembered. For what happens seldom.</summary>
    public int AccountCount => _accounts.Count;

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<Sequence> running, long now)
    {
        _now = now;
        TakeBack();
        _turns.Begin(now);
        _quotas.Begin(running);
        foreach (Account account in _touched)
        {
            account.Settle();
            _turns.Settled(account);
        }

        _touched.Clear();
        _affinities.Begin(running);
        _returned.Sort(Claims is null ? long.MinValue : now - _ageing);
        _targets.Begin(now, _runningRows > 0 || _turns.HasNext);
    }

    /// <inheritdoc/>
    public void Arrive(Sequence sequence, bool isReady)
    {
        RequestState request = sequence.Request;
        Account account = _accounts.Of(request.Asked);
        long key = _policy.Order switch
        {
            ServiceOrder.LastCome => -request.Arrival,
            ServiceOrder.ShortestFirst => (long)sequence.PromptLength + request.Stream.MaxTokens,
            _ => 0,
        };
        Flow flow = account.FlowOf(_policy.Priorities ? request.Asked.Priority : 0);
        var standing = new Standing(sequence, flow.GroupOf(_affinities.Of(sequence)), key)
        {
            IsReady = isReady,
            Due = _policy.AbortsLate ? _targets.DueOf(request) : 0,
        };
        request.Standing = standing;
        _accounts.Arrived(standing);
        Touch(account);
        _turns.Add(standing);
        _targets.Add(standing);
    }

    /// <inheritdoc/>
    public void Return(Sequence sequence)
    {
        Standing standing = Standing.Of(sequence);
        if (standing.Sequence == sequence)
        {
            _turns.Forget(standing);
        }

        if (standing.Returned++ == 0)
        {
            standing.ReturnedSince = _now;
        }

        standing.Account.Returned++;
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
            Touch(standing.Account);
            _accounts.ChargePrompt(standing.Account, standing.Prepaid);
            _affinities.Note(standing.Group.Affinity);
            _quotas.Take(standing);
        }
    }

    /// <inheritdoc/>
    public void Leave(Sequence sequence) => TryLeave(sequence, isAdmitted: false);

    /// <inheritdoc/>
    public void SetReady(Sequence sequence, bool isReady)
    {
        if (Standing.Of(sequence) is { IsWaiting: true } standing)
        {
            _turns.SetReady(standing, isReady);
        }
    }

    /// <inheritdoc/>
    public Sequence? Next(Sequence? after) => _walk.Next(after, onlyReady: false);

    /// <inheritdoc/>
    public Sequence? NextReady(Sequence? after) => _walk.Next(after, onlyReady: true);

    /// <inheritdoc/>
    public int Compare(Sequence a, Sequence b)
    {
        if (a == b)
        {
            return 0;
        }

        bool hasRun = a.Request.HasRun;
        if (hasRun != b.Request.HasRun)
        {
            return hasRun ? CompareWithWaiting(a, b) : -CompareWithWaiting(b, a);
        }

        return !hasRun ? CompareWaiting(Standing.Of(a), Standing.Of(b))
            : ReturnedSequences.Has(a) && ReturnedSequences.Has(b) ? CompareReturned(a, b)
            : CompareRun(a, b);
    }

    /// <inheritdoc/>
    public bool GoesBefore(Preload preload, Sequence sequence) =>
        !sequence.Request.HasRun && preload.Arrival < sequence.Request.Arrival;

    /// <inheritdoc/>
    public void Charge(Sequence sequence, Served served)
    {
        Standing standing = Standing.Of(sequence);
        int computed = Math.Min(standing.Prepaid, served.PromptRows + served.OutputRows);
        standing.Prepaid -= computed;
        _runningRows -= computed;
        _targets.Note(computed);
        if (computed > 0 && standing.Prepaid == 0)
        {
            // Its prompt is in the prefix cache from here on.
            _affinities.Note(standing.Group.Affinity);
        }

        Account account = standing.Account;
        standing.Computed += served.PromptRows + served.OutputRows;
        Touch(account);
        _accounts.Charge(account, served);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ExpiredRequest> Expired(long now) => _policy.AbortsLate ? _targets.Expired(now, _runningRows) : [];

    /// <summary>Of those that have run: by class, by what the account has been given, by admission.</summary>
    private static int CompareRun(Sequence a, Sequence b)
    {
        Standing first = Standing.Of(a);
        Standing second = Standing.Of(b);
        int order = second.Flow.Priority.CompareTo(first.Flow.Priority);
        order = order != 0 ? order : Account.Compare(first.Account, second.Account);
        order = order != 0 ? order : a.Request.FirstAdmission.CompareTo(b.Request.FirstAdmission);
        order = order != 0 ? order : a.Request.Arrival.CompareTo(b.Request.Arrival);
        return order != 0 ? order : a.Continuation.CompareTo(b.Continuation);
    }

    /// <summary>Of those that have run and wait: those first that have waited for too long.</summary>
    private static int CompareReturned(Sequence a, Sequence b)
    {
        int order = Standing.Of(b).HasWaitedAgain.CompareTo(Standing.Of(a).HasWaitedAgain);
        return order != 0 ? order : CompareRun(a, b);
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

    /// <summary>One that has run, and may run now, with one that never did.</summary>
    private int CompareWithWaiting(Sequence run, Sequence waiting) =>
        !ReturnedSequences.Has(run) || _walk.GoesBefore(run, Standing.Of(waiting)) ? -1 : 1;

    private Standing? TryLeave(Sequence sequence, bool isAdmitted)
    {
        if (ReturnedSequences.Has(sequence))
        {
            _returned.Remove(sequence);
            Standing.Of(sequence).Returned--;
            Standing.Of(sequence).Account.Returned--;
            return null;
        }

        Standing standing = Standing.Of(sequence);
        _turns.Remove(standing, isAdmitted);
        _targets.Remove(standing);
        _accounts.Left(standing, isAdmitted);
        Touch(standing.Account);
        _quotas.EndWaiting(standing, isAdmitted);
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
            Touch(standing.Account);
            _accounts.ChargePrompt(standing.Account, -standing.Prepaid);
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
