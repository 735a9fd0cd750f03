using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>
/// The requests that the engine has, and those of their sequences that run. How they end is <see cref="RequestEndings"/>' affair. Belongs
/// to the engine's thread.
/// </summary>
/// <param name="parts">What the engine is made of.</param>
/// <param name="queue">Those that wait.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="admission">Says who runs.</param>
/// <param name="preemption">Says who gives its pages up.</param>
internal sealed class ActiveRequests(
    EngineParts parts, WaitingQueue queue, Reclaim reclaim, Admission admission, Preemption preemption)
{
    private readonly Dictionary<GenerationStream, RequestState> _states = new(ReferenceEqualityComparer.Instance);
    private readonly List<Sequence> _running = [];
    private readonly LeaseCount _leases = new();

    /// <summary>Sequences that run, in the order of the queue.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <inheritdoc cref="Admission.Passed"/>
    public long Passed => admission.Passed;

    /// <summary>Leases that requests hold on adapters, waiting ones included.</summary>
    public int Leases => _leases.Held;

    /// <summary>The request of a stream; null when there is none, or none any more.</summary>
    public RequestState? Find(GenerationStream stream) => _states.GetValueOrDefault(stream);

    /// <summary>Takes the first sequence of a request in: it waits, and its adapters are leased.</summary>
    public void Add(Sequence sequence)
    {
        long now = parts.Clock.GetTimestamp();
        sequence.TakeLeases(_leases);
        foreach (Lease lease in sequence.Leases)
        {
            lease.Registration.NoteRequest(now);
        }

        _states.Add(sequence.Request.Stream, sequence.Request);
        sequence.Request.Sequences.Add(sequence);
        queue.Add(sequence);
    }

    /// <summary>Lets waiting sequences run as far as pages and places reach.</summary>
    public void Admit()
    {
        if (parts.RopeLengths is { Restarts: true })
        {
            RestartOutgrown();
        }

        admission.Admit(_running, parts.Clock.GetTimestamp());
    }

    /// <summary>
    /// Gives every sequence that can go on the page that its next token needs. When there is none, sequences are preempted: first those
    /// whose consumers are behind, then the last one admitted. Only over-commit makes that necessary.
    /// </summary>
    /// <param name="endings">Ends one that cannot go on.</param>
    /// <returns>Whether a sequence has ended: not even alone could it get a page.</returns>
    public bool SecurePages(RequestEndings endings)
    {
        bool ended = false;
        for (int i = 0; parts.Scheduling.OverCommit && i < _running.Count; i++)
        {
            Sequence sequence = _running[i];
            if (sequence.Finished is null && !sequence.IsPaused(parts.Scheduling.StreamBuffer))
            {
                i = SecurePages(sequence, i, endings);
                ended |= sequence.Finished is not null;
            }
        }

        return ended;
    }

    /// <summary>Starts a further continuation of a prompt that has been computed: it shares the full pages.</summary>
    public Sequence Fork(Sequence sequence)
    {
        RequestState request = sequence.Request;
        Sequence fork = sequence.Fork(request.Forked, parts.Pages.Copy);
        request.Forked++;
        request.Open++;
        request.Sequences.Add(fork);
        fork.TakeLeases(_leases);
        foreach (Lease lease in fork.Leases)
        {
            lease.Use();
        }

        queue.Insert(_running, fork);
        return fork;
    }

    /// <summary>Takes those of the running sequences out that have ended.</summary>
    /// <param name="ended">Receives them.</param>
    public void TakeEnded(List<Sequence> ended)
    {
        int kept = 0;
        for (int i = 0; i < _running.Count; i++)
        {
            Sequence sequence = _running[i];
            if (sequence.Finished is null)
            {
                _running[kept++] = sequence;
            }
            else
            {
                ended.Add(sequence);
            }
        }

        _running.RemoveRange(kept, _running.Count - kept);
    }

    /// <summary>Forgets a request all of whose sequences have been returned.</summary>
    public void Forget(RequestState request) => _states.Remove(request.Stream);

    /// <summary>Sequences all of whose keys have become other ones give up their pages, and are computed again.</summary>
    private void RestartOutgrown()
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i] is { HasOutgrown: true, Finished: null } sequence)
            {
                admission.Preempt(sequence);
                _running.RemoveAt(i);
            }
        }
    }

    /// <summary>Gives the sequence at a place of the running ones its page.</summary>
    /// <returns>The place of the last sequence that has been seen to.</returns>
    private int SecurePages(Sequence sequence, int place, RequestEndings endings)
    {
        int missing;
        while ((missing = sequence.Table.Missing(sequence.Count, sequence.PendingForks, sequence.PromptLength)) > 0)
        {
            if (reclaim.TryMakeRoom(missing))
            {
                sequence.Table.TryReserve(sequence.Count, sequence.PendingForks, sequence.PromptLength);
                break;
            }

            int victim = preemption.Victim(_running, place);
            if (_running.Count == 1)
            {
                // Alone and still too large: pages were pinned after it had been taken in.
                endings.Fail(sequence.Request, new RequestTooLargeException(sequence.Table.PagesFor(sequence.Count), 0, reclaim.Reachable
                    + sequence.Table.PageCount));
                break;
            }

            Sequence preempted = _running[victim];

            // In this order: when the device fails to copy its pages out, it still runs and is ended with the others.
            admission.Preempt(preempted);
            _running.RemoveAt(victim);
            place -= victim <= place ? 1 : 0;
            if (ReferenceEquals(preempted, sequence))
            {
                break;
            }
        }

        return place;
    }
}
