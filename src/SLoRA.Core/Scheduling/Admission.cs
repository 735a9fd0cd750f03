using SLoRA.Adapters;
using SLoRA.Engine;
using SLoRA.Pool;

namespace SLoRA.Scheduling;

/// <summary>
/// Lets waiting sequences run, first come, first served. A sequence is admitted when the pool can promise all pages that it can ever need and those
/// of its adapters that have none, so what is admitted can always finish. One that waits for its adapters' content is passed over; the first one that
/// waits for pages holds back those behind it, so that large requests do not starve.
/// </summary>
internal sealed class Admission(Reclaim reclaim, DeviceCache cache, int maxRunning)
{
    private readonly List<Sequence> _waiting = [];

    /// <summary>Sequences that wait, in order of arrival.</summary>
    public IReadOnlyList<Sequence> Waiting => _waiting;

    /// <summary>Puts a sequence at the end of the queue.</summary>
    public void Enqueue(Sequence sequence) => _waiting.Add(sequence);

    /// <summary>Moves sequences from the queue to <paramref name="running"/> as far as pages reach.</summary>
    /// <param name="running">Receives the admitted sequences.</param>
    /// <param name="now">Timestamp of the engine's clock.</param>
    /// <returns>How many were admitted.</returns>
    public int Admit(List<Sequence> running, long now)
    {
        int before = running.Count;
        int kept = 0;
        int next = 0;
        for (int places = FreePlaces(running); next < _waiting.Count; next++)
        {
            Sequence sequence = _waiting[next];
            int continuations = sequence.Request.Request.Continuations;
            if (!sequence.Request.HasContent(now))
            {
                _waiting[kept++] = sequence;
            }
            else if (continuations <= places && TryAdmit(sequence))
            {
                places -= continuations;
                sequence.Request.Admitted = now;
                running.Add(sequence);
            }
            else
            {
                break;
            }
        }

        _waiting.RemoveRange(kept, next - kept);
        return running.Count - before;
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

    /// <summary>Sequences that may still be added, those counted that are yet to be forked.</summary>
    private int FreePlaces(List<Sequence> running)
    {
        int places = maxRunning - running.Count;
        foreach (Sequence sequence in running)
        {
            places -= sequence.PendingForks;
        }

        return places;
    }

    private bool TryAdmit(Sequence sequence)
    {
        ReadOnlySpan<Lease> leases = sequence.Request.Leases.AsSpan();
        int forks = sequence.PendingForks;
        foreach (Lease lease in leases)
        {
            DeviceCache.Hold(lease.Generation!);
        }

        int pages = sequence.Table.PagesFor(sequence.CacheTokens, forks, sequence.PromptLength) + DeviceCache.MissingPages(leases);
        if (!reclaim.TryMakeRoom(pages))
        {
            foreach (Lease lease in leases)
            {
                cache.Release(lease.Generation!);
            }

            return false;
        }

        sequence.Table.TryReserve(sequence.CacheTokens, forks, sequence.PromptLength);
        foreach (Lease lease in leases)
        {
            if (!cache.Acquire(lease.Generation!))
            {
                lease.Registration.Counters.AddMiss();
            }
        }

        return true;
    }
}
