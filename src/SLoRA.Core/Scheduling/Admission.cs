using SLoRA.Adapters;
using SLoRA.Engine;
using SLoRA.Pool;

namespace SLoRA.Scheduling;

/// <summary>
/// Lets waiting sequences run, first come, first served; those that were preempted come before all others, in their old order. A sequence is admitted when
/// the pool can promise its pages and those of its adapters that have none: all that it can ever need, so that what is admitted can always finish, or under
/// over-commit those that it needs soon. One that waits for its adapters' content, or for its consumer, is passed over and keeps its place; the first one
/// that waits for pages holds back those behind it, so that large requests do not starve.
/// </summary>
internal sealed class Admission(Reclaim reclaim, DeviceCache cache, Preemption preemption, SchedulingOptions options)
{
    private readonly List<Sequence> _waiting = [];
    private long _order;

    /// <summary>Sequences that wait: preempted ones, then the others in order of arrival.</summary>
    public IReadOnlyList<Sequence> Waiting => _waiting;

    /// <summary>Puts a sequence at the end of the queue.</summary>
    public void Enqueue(Sequence sequence) => _waiting.Add(sequence);

    /// <summary>Takes pages and adapters from a running sequence and puts it back into the queue.</summary>
    public void Preempt(Sequence sequence)
    {
        preemption.Release(sequence);
        sequence.IsAdmitted = false;
        foreach (Lease lease in sequence.Request.Leases)
        {
            cache.Release(lease.Generation!);
        }

        int at = 0;
        while (at < _waiting.Count && _waiting[at].Request.Order != 0 && ByOrder(_waiting[at], sequence) < 0)
        {
            at++;
        }

        _waiting.Insert(at, sequence);
    }

    /// <summary>Moves sequences from the queue to <paramref name="running"/> as far as pages reach.</summary>
    /// <param name="running">Receives the admitted sequences, and stays in the order of their first admission.</param>
    /// <param name="now">Timestamp of the engine's clock.</param>
    /// <returns>How many were admitted for the first time.</returns>
    public int Admit(List<Sequence> running, long now)
    {
        int admitted = 0;
        int kept = 0;
        int next = 0;
        try
        {
            for (int places = FreePlaces(running); next < _waiting.Count; next++)
            {
                Sequence sequence = _waiting[next];
                int continuations = 1 + sequence.PendingForks;
                if (!sequence.Request.HasContent(now) || (sequence.Request.Order != 0 && sequence.IsPaused(options.StreamBuffer)))
                {
                    _waiting[kept++] = sequence;
                }
                else if (continuations <= places && TryAdmit(sequence, running.Count))
                {
                    places -= continuations;
                    admitted += NoteFirst(sequence, now);
                    Insert(running, sequence);
                }
                else
                {
                    break;
                }
            }
        }
        finally
        {
            // Also when the device fails to bring back what was swapped: nobody may stand in the queue and run.
            _waiting.RemoveRange(kept, next - kept);
        }

        return admitted;
    }

    /// <summary>Takes every sequence that has ended while it waited out of the queue.</summary>
    public void RemoveFinished(List<Sequence> finished)
    {
        int kept = 0;
        for (int i = 0; i < _waiting.Count; i++)
        {
            Sequence sequence = _waiting[i];
            if (sequence.Finished is null)
            {
                _waiting[kept++] = sequence;
            }
            else
            {
                finished.Add(sequence);
            }
        }

        _waiting.RemoveRange(kept, _waiting.Count - kept);
    }

    /// <summary>Adds a sequence where its first admission puts it.</summary>
    public static void Insert(List<Sequence> running, Sequence sequence)
    {
        int at = running.Count;
        while (at > 0 && ByOrder(running[at - 1], sequence) > 0)
        {
            at--;
        }

        running.Insert(at, sequence);
    }

    /// <summary>Earlier admissions first; continuations of one request by their number.</summary>
    private static int ByOrder(Sequence a, Sequence b)
    {
        int order = a.Request.Order.CompareTo(b.Request.Order);
        return order != 0 ? order : a.Continuation.CompareTo(b.Continuation);
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

    private int NoteFirst(Sequence sequence, long now)
    {
        RequestState request = sequence.Request;
        if (request.Order != 0)
        {
            return 0;
        }

        request.Order = ++_order;
        request.Admitted = now;
        request.CachedPromptTokens = sequence.Computed;
        return 1;
    }

    private bool TryAdmit(Sequence sequence, int running)
    {
        ReadOnlySpan<Lease> leases = sequence.Request.Leases.AsSpan();
        foreach (Lease lease in leases)
        {
            DeviceCache.Hold(lease.Generation!);
        }

        sequence.TakePrefix();
        int forks = sequence.PendingForks;
        int tokens = options.OverCommit ? (int)Math.Min(sequence.CacheTokens, sequence.Count + (long)options.OverCommitLookahead) : sequence.CacheTokens;
        int pages = sequence.Table.Missing(tokens, forks, sequence.PromptLength) + DeviceCache.MissingPages(leases);

        // A page for everybody who runs, so that one who comes in is not at once the one who must go.
        int headroom = options.OverCommit && running > 0 ? running + 1 + forks : 0;
        if (!reclaim.TryMakeRoom(pages, headroom))
        {
            sequence.ReleasePages();
            foreach (Lease lease in leases)
            {
                cache.Release(lease.Generation!);
            }

            return false;
        }

        sequence.Table.TryReserve(tokens, forks, sequence.PromptLength);
        foreach (Lease lease in leases)
        {
            cache.Acquire(lease.Generation!);
        }

        sequence.Table.Admitted(sequence.Count);
        sequence.IsAdmitted = true;
        preemption.Restore(sequence);
        return true;
    }
}
