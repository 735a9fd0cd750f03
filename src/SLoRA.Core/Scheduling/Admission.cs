using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Lets waiting sequences run, in the order of the queue. A sequence is admitted when the pool can promise its pages and those of its
/// adapters that have none: all that it can ever need, so that what is admitted can always finish, or under over-commit those that it needs
/// soon. One that waits for its adapters' content, or for its consumer, is passed over and keeps its place; the first one that waits for
/// pages holds back those behind it, so that large requests do not starve, unless it waits for what consumers hold that do not read.
/// </summary>
/// <param name="queue">Who waits.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="residency">Generations in pages, and what the program wants there.</param>
/// <param name="preemption">How sequences give up pages.</param>
/// <param name="options">The limits.</param>
/// <param name="pages">Pages of the pool.</param>
/// <param name="clock">Measures how long one is passed.</param>
internal sealed class Admission(
    WaitingQueue queue, Reclaim reclaim, Residency residency, Preemption preemption, SchedulingOptions options, int pages,
    TimeProvider clock)
{
    /// <summary>How many are looked at in a step beside others that compute, for one that may pass.</summary>
    private const int LookAhead = 64;

    private readonly PausedHoldings _paused = new(pages, options.StreamBuffer);
    private readonly List<Sequence> _victims = [];
    private long _admissions;
    private int _places;
    private long _passedArrival;
    private long _passedSince;
    private Sequence? _lookedAt;

    /// <summary>Sequences that were admitted before one that goes before them and waits for consumers that do not read.</summary>
    public long Passed { get; private set; }

    /// <summary>
    /// Takes pages and adapters from a running sequence and puts it back into the queue. The caller takes it out of those that run.
    /// </summary>
    public void Preempt(Sequence sequence)
    {
        preemption.Release(sequence);
        sequence.IsAdmitted = false;
        sequence.Request.Preemptions++;
        EndUse(sequence);
        queue.AddPreempted(sequence);
    }

    /// <summary>Moves sequences from the queue to <paramref name="running"/> as far as pages reach.</summary>
    /// <param name="running">Receives the admitted sequences, and is in the order of the queue from here on.</param>
    /// <param name="now">Timestamp of the engine's clock.</param>
    public void Admit(List<Sequence> running, long now)
    {
        queue.Begin(running, now);
        _places = FreePlaces(running);
        for (Sequence? sequence = queue.NextReady(null); sequence is not null; sequence = queue.NextReady(sequence))
        {
            if (IsReady(sequence, now) && !sequence.IsPaused(options.StreamBuffer) && !TryAdmit(sequence, running, now))
            {
                Pass(sequence, running, now);
                return;
            }
        }
    }

    /// <summary>Whether a sequence still has the content that it had.</summary>
    private bool IsReady(Sequence sequence, long now)
    {
        if (sequence.HasContent(now))
        {
            return true;
        }

        queue.ContentLost(sequence);
        return false;
    }

    /// <summary>Sequences that may still be added, those counted that are yet to be forked.</summary>
    private int FreePlaces(List<Sequence> running)
    {
        int places = options.Places - running.Count;
        foreach (Sequence sequence in running)
        {
            places -= sequence.PendingForks;
        }

        return places;
    }

    /// <summary>
    /// Admits a sequence in its turn; under over-commit those who do not go on make room for it, and where the order says so those who
    /// hold more.
    /// </summary>
    private bool TryAdmit(Sequence sequence, List<Sequence> running, long now)
    {
        int claimed = residency.Preloads.ClaimBefore(sequence);
        while (!TryPromise(sequence, running.Count, claimed, out int missing))
        {
            if (!(options.OverCommit && TryPreemptPaused(sequence, running, missing)) && !TryMakeWay(sequence, running, claimed))
            {
                return false;
            }
        }

        Start(sequence, running, now);
        return true;
    }

    /// <summary>
    /// Lets others run before the one that cannot, if that waits for what sequences hold whose consumers do not read: nobody knows when it
    /// gets it, and until then it has no use for what else there is. For as long as a consumer may be behind; then it is passed no more,
    /// and what the others hold comes back to it.
    /// </summary>
    private void Pass(Sequence first, List<Sequence> running, long now)
    {
        if (options.OverCommit || !WaitsForPaused(first, running))
        {
            return;
        }

        if (_passedArrival != first.Request.Arrival)
        {
            (_passedArrival, _passedSince, _lookedAt) = (first.Request.Arrival, now, null);
        }
        else if (options.EndsSlowConsumers && clock.GetElapsedTime(_passedSince, now) >= options.ConsumerTimeout)
        {
            return;
        }

        // Those looked at go round, so that everybody's turn comes; when nobody computes, looking at all of them holds up nobody.
        int left = _paused.Sequences < running.Count ? LookAhead : int.MaxValue;
        Sequence after = _lookedAt is { } last && queue.Compare(first, last) < 0 ? last : first;
        Sequence? sequence = queue.NextReady(after);
        for (; left > 0 && sequence is not null; left--)
        {
            if (!IsReady(sequence, now) || sequence.IsPaused(options.StreamBuffer) || !TryPromise(sequence, running.Count, 0, out _))
            {
                after = sequence;
            }
            else
            {
                Start(sequence, running, now);
                Passed++;
            }

            sequence = queue.NextReady(sequence);
        }

        _lookedAt = sequence is null ? null : after;
    }

    /// <summary>Whether a sequence could not run even if everybody ended whose consumer reads.</summary>
    private bool WaitsForPaused(Sequence sequence, List<Sequence> running)
    {
        _paused.Measure(running);
        if (_paused.Sequences == 0)
        {
            return false;
        }

        if (1 + sequence.PendingForks > options.Places - _paused.Places)
        {
            return true;
        }

        Hold(sequence);
        int needed = Missing(sequence);
        int kept = _paused.Pages + _paused.AddPages(sequence, residency.Cache.Resident);
        ReleaseAll(sequence);
        return needed > pages - kept;
    }

    /// <summary>Takes the pages of the sequence admitted last whose consumer is behind, if those of all such would be enough.</summary>
    private bool TryPreemptPaused(Sequence sequence, List<Sequence> running, int missing)
    {
        _paused.Measure(running);
        if (missing > reclaim.Reachable + _paused.Pages || 1 + sequence.PendingForks > _places + _paused.Places)
        {
            return false;
        }

        for (int i = running.Count - 1; i >= 0; i--)
        {
            if (_paused.Counts(running[i]))
            {
                Sequence paused = running[i];
                Preempt(paused);
                running.RemoveAt(i);
                _places += 1 + paused.PendingForks;
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes what a sequence lacks from those who make way for it, if they do.</summary>
    private bool TryMakeWay(Sequence sequence, List<Sequence> running, int claimed)
    {
        if (queue.Claims is not { } claims)
        {
            return false;
        }

        int places = 1 + sequence.PendingForks;
        Hold(sequence);
        int missing = Missing(sequence) + Headroom(sequence, running.Count, claimed) - reclaim.Reachable;
        ReleaseAll(sequence);
        var need = new Holding(
            sequence.Table.PagesFor(Promised(sequence), sequence.PendingForks, sequence.PromptLength), places);
        if (!claims.TryChoose(sequence, running, need, new Holding(missing, places - _places), _victims))
        {
            return false;
        }

        foreach (Sequence victim in _victims)
        {
            Preempt(victim);
            running.Remove(victim);
            _places += 1 + victim.PendingForks;
        }

        return true;
    }

    /// <summary>Promises a sequence a place, its pages and those of its adapters; or nothing.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="running">How many run.</param>
    /// <param name="claimed">Pages that are left to who has come before.</param>
    /// <param name="missing">Pages that there must be for it.</param>
    private bool TryPromise(Sequence sequence, int running, int claimed, out int missing)
    {
        missing = 0;
        int forks = sequence.PendingForks;
        if (1 + forks > _places)
        {
            return false;
        }

        Hold(sequence);
        int needed = Missing(sequence);

        int headroom = Headroom(sequence, running, claimed);
        missing = needed + headroom;
        if (!reclaim.TryMakeRoom(needed, headroom))
        {
            ReleaseAll(sequence);
            return false;
        }

        sequence.Table.TryReserve(Promised(sequence), forks, sequence.PromptLength);
        foreach (Lease lease in sequence.Leases)
        {
            if (residency.Cache.Acquire(lease.Generation!))
            {
                queue.ChargePageIn(sequence, residency.Cache.BytesOf(lease.Generation!));
            }
        }

        sequence.Table.Admitted(sequence.Count);
        sequence.IsAdmitted = true;
        return true;
    }

    /// <summary>
    /// Moves a sequence that has been promised all to those that run. If the device fails to bring back what was swapped, it is one of
    /// them.
    /// </summary>
    private void Start(Sequence sequence, List<Sequence> running, long now)
    {
        _places -= 1 + sequence.PendingForks;
        queue.Admit(sequence);
        RequestState request = sequence.Request;
        if (!request.HasRun)
        {
            request.FirstAdmission = ++_admissions;
            request.Admitted = now;
            request.CachedPromptTokens = sequence.Computed;
        }

        queue.Insert(running, sequence);
        sequence.Table.BringBackStates();
        preemption.Restore(sequence);
    }

    /// <summary>
    /// Holds what there is of a sequence's needs: its adapters that have pages, and keys and values that others have computed.
    /// </summary>
    private static void Hold(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            lease.Use();
        }

        sequence.TakePrefix();
    }

    private static void ReleaseAll(Sequence sequence)
    {
        sequence.ReleasePages();
        EndUse(sequence);
    }

    private static void EndUse(Sequence sequence)
    {
        foreach (Lease lease in sequence.Leases)
        {
            lease.EndUse();
        }
    }

    /// <summary>
    /// Pages that are left: those that others have claimed, and one for everybody who runs, so that one who comes in is not at once the one
    /// who must go.
    /// </summary>
    private int Headroom(Sequence sequence, int running, int claimed) =>
        claimed + (options.OverCommit && running > 0 ? running + 1 + sequence.PendingForks : 0);

    /// <summary>Pages that a sequence needs beside what it holds.</summary>
    private int Missing(Sequence sequence) =>
        sequence.Table.Missing(Promised(sequence), sequence.PendingForks, sequence.PromptLength)
            + DeviceCache.MissingPages(sequence.Leases.AsSpan());

    /// <summary>Tokens that a sequence is promised pages for.</summary>
    private int Promised(Sequence sequence) =>
        options.OverCommit ? (int)Math.Min(sequence.CacheTokens, (long)sequence.Count + options.OverCommitLookahead) : sequence.CacheTokens;
}
