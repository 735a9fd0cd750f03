using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Pool;
using SLoRA.Scheduling;

namespace SLoRA.Engine;

/// <summary>
/// The requests that wait or run, from arrival until everything they held has been returned. Belongs to the engine's thread.
/// </summary>
/// <param name="parts">What the engine is made of.</param>
/// <param name="residency">Generations in pages and in main memory.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="preemption">How sequences give up pages.</param>
/// <param name="leaveQueue">Told when a request ends that was never admitted.</param>
internal sealed class ActiveRequests(EngineParts parts, Residency residency, Reclaim reclaim, Preemption preemption, Action leaveQueue)
{
    private readonly Admission _admission = new(reclaim, residency.Cache, preemption, parts.Scheduling);
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _finished = [];
    private readonly Queue<RequestState> _completed = new();

    /// <summary>Sequences that run, in the order of admission.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>Sequences that wait: preempted ones, then the others in the order of arrival.</summary>
    public IReadOnlyList<Sequence> Waiting => _admission.Waiting;

    /// <summary>Leases that requests hold on adapters, waiting ones included.</summary>
    public int Leases { get; private set; }

    /// <summary>Requests whose last sequence has been returned.</summary>
    public long Ended { get; private set; }

    /// <summary>Takes a sequence in: it waits, and its adapters are leased. One whose adapter has just failed to load fails too.</summary>
    public void Add(Sequence sequence)
    {
        Exception? refusal = null;
        Leases += sequence.Request.Leases.Length;
        foreach (Lease lease in sequence.Request.Leases)
        {
            lease.Registration.Leases++;
            lease.Registration.Requests++;
            lease.Registration.LastUsed = parts.Clock.GetTimestamp();
            refusal ??= lease.HasContent ? null : residency.Loads.RefusalOf(lease.Registration);
        }

        _admission.Enqueue(sequence);
        if (refusal is not null)
        {
            Fail(sequence.Request, refusal);
        }
    }

    /// <summary>Lets waiting sequences run as far as pages and places reach.</summary>
    /// <returns>How many of them had never run.</returns>
    public int Admit() => _admission.Admit(_running, parts.Clock.GetTimestamp());

    /// <summary>
    /// Gives every sequence that can go on the page that its next token needs. When there is none, sequences are preempted: first those whose consumers are
    /// behind, then the last one admitted. Only over-commit makes that necessary.
    /// </summary>
    /// <returns>Whether a sequence has ended: not even alone could it get a page.</returns>
    public bool SecurePages()
    {
        bool ended = false;
        for (int i = 0; parts.Scheduling.OverCommit && i < _running.Count; i++)
        {
            Sequence sequence = _running[i];
            if (sequence.Finished is null && !sequence.IsPaused(parts.Scheduling.StreamBuffer))
            {
                i = SecurePages(sequence, i);
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
        Leases += request.Leases.Length;
        foreach (Lease lease in request.Leases)
        {
            lease.Registration.Leases++;
            DeviceCache.Hold(lease.Generation!);
        }

        Admission.Insert(_running, fork);
        return fork;
    }

    /// <summary>Ends the sequences of a stream as cancelled.</summary>
    public void Cancel(GenerationStream stream)
    {
        foreach (Sequence sequence in _running.Concat(_admission.Waiting))
        {
            if (ReferenceEquals(sequence.Request.Stream, stream))
            {
                sequence.Finish(FinishReason.Cancelled);
            }
        }
    }

    /// <summary>Ends all sequences of a request with an error; does nothing for a request that has ended.</summary>
    public void Fail(RequestState request, Exception error)
    {
        request.Error ??= error;
        foreach (Sequence sequence in _running.Concat(_admission.Waiting))
        {
            if (ReferenceEquals(sequence.Request, request))
            {
                sequence.Finish(FinishReason.Failed);
            }
        }
    }

    /// <summary>Ends the requests that wait for content that cannot be read.</summary>
    public void FailWaitingFor(AdapterRegistration registration, Exception error)
    {
        foreach (Sequence sequence in _admission.Waiting)
        {
            if (sequence.Request.Leases.Any(lease => ReferenceEquals(lease.Registration, registration)))
            {
                Fail(sequence.Request, error);
            }
        }
    }

    /// <summary>Refuses a request that could never have all its pages at once.</summary>
    /// <param name="cachePages">Pages for keys and values.</param>
    /// <param name="leases">Its adapters.</param>
    /// <exception cref="RequestTooLargeException">It needs more pages than there are beside those of other adapters that are pinned.</exception>
    public void RequireFits(int cachePages, ImmutableArray<Lease> leases)
    {
        int adapterPages = leases.Select(lease => lease.Registration).Distinct().Sum(registration => registration.PageCount);
        int pinned = residency.Cache.PinnedPages - leases.Select(lease => lease.Generation).Distinct().Sum(generation => generation is { Pins: > 0 } ? generation.Directory.PageCount : 0);
        if (cachePages + adapterPages + pinned > parts.Pool.Total)
        {
            throw new RequestTooLargeException(cachePages, adapterPages, pinned, parts.Pool.Total);
        }
    }

    /// <summary>Refuses the waiting requests that are too large now that the size of one of their adapters is known.</summary>
    public void RequireFits(AdapterRegistration registration)
    {
        foreach (Sequence sequence in _admission.Waiting)
        {
            if (sequence.Finished is null && sequence.Request.Leases.Any(lease => ReferenceEquals(lease.Registration, registration)))
            {
                try
                {
                    RequireFits(CachePages(sequence), sequence.Request.Leases);
                }
                catch (RequestTooLargeException error)
                {
                    Fail(sequence.Request, error);
                }
            }
        }
    }

    /// <summary>The most pages that a waiting request needs, those of one generation not counted, nor those of pinned ones.</summary>
    public int PagesNeededBeside(Generation pinned)
    {
        int most = 0;
        foreach (Sequence sequence in _admission.Waiting)
        {
            int adapters = sequence.Request.Leases
                .Select(lease => lease.Registration)
                .Distinct()
                .Sum(registration => registration.Generation is { } own && (own.Pins > 0 || ReferenceEquals(own, pinned)) ? 0 : registration.PageCount);
            most = Math.Max(most, CachePages(sequence) + adapters);
        }

        return most;
    }

    /// <summary>Ends every request.</summary>
    public void EndAll(FinishReason reason, Exception error)
    {
        foreach (Sequence sequence in _running.Concat(_admission.Waiting))
        {
            sequence.Request.Error ??= error;
            sequence.Finish(reason);
        }
    }

    /// <summary>Takes the sequences that have ended out and returns everything that they hold.</summary>
    /// <returns>Whether there were any.</returns>
    public bool ReturnFinished()
    {
        _admission.RemoveFinished(_finished);
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
                _finished.Add(sequence);
            }
        }

        _running.RemoveRange(kept, _running.Count - kept);
        bool any = _finished.Count > 0;
        foreach (Sequence sequence in _finished)
        {
            Return(sequence);
        }

        _finished.Clear();
        return any;
    }

    /// <summary>Ends the streams of requests whose last sequence has been returned.</summary>
    public void CompleteFinished()
    {
        // Each is taken out before it is told, so that one that fails is not told twice and holds up none behind it.
        while (_completed.TryDequeue(out RequestState? request))
        {
            request.Complete(parts.Clock, parts.Metrics);
        }
    }

    /// <summary>Gives the sequence at a place of the running ones its page.</summary>
    /// <returns>The place of the last sequence that has been seen to.</returns>
    private int SecurePages(Sequence sequence, int place)
    {
        int missing;
        while ((missing = sequence.Table.Missing(sequence.Count, sequence.PendingForks, sequence.PromptLength)) > 0)
        {
            if (reclaim.TryMakeRoom(missing))
            {
                sequence.Table.TryReserve(sequence.Count, sequence.PendingForks, sequence.PromptLength);
                break;
            }

            int victim = Victim(place);
            if (_running.Count == 1)
            {
                // Alone and still too large: pages were pinned after it had been taken in.
                Fail(sequence.Request, new RequestTooLargeException(sequence.Table.PagesFor(sequence.Count), 0, reclaim.Reachable + sequence.Table.Pages.Length));
                break;
            }

            Sequence preempted = _running[victim];
            // In this order: when the device fails to copy its pages out, it still runs and is ended with the others.
            _admission.Preempt(preempted);
            _running.RemoveAt(victim);
            place -= victim <= place ? 1 : 0;
            if (ReferenceEquals(preempted, sequence))
            {
                break;
            }
        }

        return place;
    }

    /// <summary>The last sequence whose consumer is behind, or else the last one, which may be the one that needs the page.</summary>
    private int Victim(int needy)
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (i != needy && _running[i].Finished is null && _running[i].IsPaused(parts.Scheduling.StreamBuffer))
            {
                return i;
            }
        }

        return _running.Count - 1;
    }

    private static int CachePages(Sequence sequence) =>
        sequence.Table.PagesFor(sequence.CacheTokens, sequence.PendingForks, sequence.PromptLength);

    private void Return(Sequence sequence)
    {
        RequestState request = sequence.Request;
        if (request.Order == 0)
        {
            leaveQueue();
        }

        sequence.Table.Release();
        preemption.Forget(sequence);
        Leases -= request.Leases.Length;
        foreach (Lease lease in request.Leases)
        {
            if (sequence.IsAdmitted)
            {
                residency.Cache.Release(lease.Generation!);
            }

            lease.Registration.Leases--;
            lease.Registration.GeneratedTokens += sequence.Count - sequence.PromptLength;
            residency.Store.Collect(lease.Registration);
        }

        request.Ended(sequence.Continuation, sequence.Finished!.Value);
        if (--request.Open == 0)
        {
            Ended++;
            _completed.Enqueue(request);
        }
    }
}
