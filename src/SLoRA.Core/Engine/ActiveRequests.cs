using System.Collections.Immutable;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>
/// The requests that wait or run, from arrival until everything they held has been returned. Belongs to the engine's thread.
/// </summary>
/// <param name="parts">What the engine is made of.</param>
/// <param name="queue">Those of them that wait.</param>
/// <param name="residency">Generations in pages and in main memory.</param>
/// <param name="reclaim">Takes back idle pages.</param>
/// <param name="preemption">How sequences give up pages.</param>
internal sealed class ActiveRequests(EngineParts parts, WaitingQueue queue, Residency residency, Reclaim reclaim, Preemption preemption)
{
    private readonly Admission _admission = new(queue, reclaim, residency, preemption, parts.Scheduling, parts.Pool.Total, parts.Clock);
    private readonly Dictionary<GenerationStream, RequestState> _states = new(ReferenceEqualityComparer.Instance);
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _finished = [];
    private readonly Queue<Sequence> _left = [];
    private readonly Queue<RequestState> _completed = [];

    /// <summary>No waiting request needs more pages; it may be that none needs so many.</summary>
    private int _mostNeeded;

    /// <summary>Sequences that run, in the order of admission.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <inheritdoc cref="Admission.Passed"/>
    public long Passed => _admission.Passed;

    /// <summary>Leases that requests hold on adapters, waiting ones included.</summary>
    public int Leases { get; private set; }

    /// <summary>Whether sequences have ended that are still to be returned although there may be no other step.</summary>
    public bool HasLeft => _left.Count > 0;

    /// <summary>Requests whose last sequence has been returned.</summary>
    public long Ended { get; private set; }

    /// <summary>Takes a sequence in: it waits, and its adapters are leased. One whose adapter has just failed to load fails too.</summary>
    public void Add(Sequence sequence)
    {
        Exception? refusal = null;
        long now = parts.Clock.GetTimestamp();
        Leases += sequence.Request.Leases.Length;
        foreach (Lease lease in sequence.Request.Leases)
        {
            lease.Registration.Leases++;
            lease.Registration.Requests++;
            lease.Registration.LastUsed = now;
            refusal ??= lease.HasContent ? null : residency.Loads.RefusalOf(lease.Registration);
        }

        _states.Add(sequence.Request.Stream, sequence.Request);
        sequence.Request.Sequences.Add(sequence);
        queue.Add(sequence, now);
        _mostNeeded = Math.Max(_mostNeeded, PagesNeeded(sequence, null));
        if (refusal is not null)
        {
            Fail(sequence.Request, refusal);
        }
    }

    /// <summary>Lets waiting sequences run as far as pages and places reach.</summary>
    public void Admit() => _admission.Admit(_running, parts.Clock.GetTimestamp());

    /// <summary>
    /// Gives every sequence that can go on the page that its next token needs. When there is none, sequences are preempted: first those
    /// whose consumers are behind, then the last one admitted. Only over-commit makes that necessary.
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
        request.Sequences.Add(fork);
        Leases += request.Leases.Length;
        foreach (Lease lease in request.Leases)
        {
            lease.Registration.Leases++;
            DeviceCache.Hold(lease.Generation!);
        }

        Sequence.Insert(_running, fork);
        return fork;
    }

    /// <summary>Ends the sequences of a stream as cancelled.</summary>
    public void Cancel(GenerationStream stream)
    {
        if (_states.TryGetValue(stream, out RequestState? request))
        {
            Finish(request, FinishReason.Cancelled);
        }
    }

    /// <summary>Ends all sequences of a request with an error; does nothing for a request that has ended.</summary>
    public void Fail(RequestState request, Exception error)
    {
        request.Error ??= error;
        Finish(request, error is DeadlineExceededException ? FinishReason.Deadline : FinishReason.Failed);
    }

    /// <summary>Ends the requests that wait for content that cannot be read.</summary>
    public void FailWaitingFor(AdapterRegistration registration, Exception error)
    {
        foreach (Sequence sequence in queue.WaitingFor(registration))
        {
            Fail(sequence.Request, SLoraException.Repeat(error));
        }
    }

    /// <summary>
    /// Ends the requests that have begun to compute with an adapter whose content is gone and has changed; the others will compute with the
    /// new.
    /// </summary>
    public void FailBegun(AdapterRegistration registration, Exception error)
    {
        foreach (Sequence sequence in queue.WaitingFor(registration))
        {
            if (sequence.Request.Order == 0)
            {
                sequence.Request.ForgetOrigin();
            }
            else
            {
                Fail(sequence.Request, SLoraException.Repeat(error));
            }
        }
    }

    /// <summary>Refuses a request that could never have all its pages at once.</summary>
    /// <param name="cachePages">Pages for keys and values.</param>
    /// <param name="leases">Its adapters.</param>
    /// <exception cref="RequestTooLargeException">It needs more pages than there are beside those of other adapters that are
    /// pinned.</exception>
    public void RequireFits(int cachePages, ImmutableArray<Lease> leases)
    {
        int adapterPages = leases.Select(lease => lease.Registration).Distinct().Sum(registration => registration.PageCount);
        int pinned = residency.Cache.PinnedPages - leases.Select(lease => lease.Generation).Distinct()
            .Sum(generation => generation is { Pins: > 0 } ? generation.Directory.PageCount : 0);
        if (cachePages + adapterPages + pinned > parts.Pool.Total)
        {
            throw new RequestTooLargeException(cachePages, adapterPages, pinned, parts.Pool.Total);
        }
    }

    /// <summary>Refuses the waiting requests that are too large now that the size of one of their adapters is known.</summary>
    public void RequireFits(AdapterRegistration registration)
    {
        foreach (Sequence sequence in queue.WaitingFor(registration))
        {
            try
            {
                RequireFits(CachePages(sequence), sequence.Request.Leases);
                _mostNeeded = Math.Max(_mostNeeded, PagesNeeded(sequence, null));
            }
            catch (RequestTooLargeException error)
            {
                Fail(sequence.Request, error);
            }
        }
    }

    /// <summary>The most pages that a waiting request needs, those of one generation not counted, nor those of pinned ones.</summary>
    /// <param name="pinned">The generation.</param>
    /// <param name="left">Pages that are left for them: what is not more need not be exact, and then nobody is asked one by one.</param>
    public int PagesNeededBeside(Generation pinned, int left)
    {
        if (_mostNeeded <= left)
        {
            return _mostNeeded;
        }

        int most = 0;
        _mostNeeded = 0;
        foreach (Sequence sequence in queue.InOrder())
        {
            most = Math.Max(most, PagesNeeded(sequence, pinned));
            _mostNeeded = Math.Max(_mostNeeded, PagesNeeded(sequence, null));
        }

        return most;
    }

    /// <summary>Ends every request.</summary>
    public void EndAll(FinishReason reason, Exception error)
    {
        Sequence[] all = [.. _running, .. queue.InOrder()];
        foreach (Sequence sequence in all)
        {
            sequence.Request.Error ??= SLoraException.Repeat(error);
            Finish(sequence.Request, reason);
        }
    }

    /// <summary>
    /// Takes the sequences that have ended out and returns everything that they hold; of those that have left the queue, only so many at a
    /// time.
    /// </summary>
    /// <returns>Whether there were any.</returns>
    public bool ReturnFinished()
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
                _finished.Add(sequence);
            }
        }

        _running.RemoveRange(kept, _running.Count - kept);
        for (int i = 0; i < Inbox.Batch && _left.TryDequeue(out Sequence? left); i++)
        {
            _finished.Add(left);
        }

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
            _states.Remove(request.Stream);
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
                Fail(sequence.Request, new RequestTooLargeException(sequence.Table.PagesFor(sequence.Count), 0, reclaim.Reachable
                    + sequence.Table.Pages.Length));
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

    /// <summary>Ends the sequences of a request that have not ended: those that wait leave the queue, wherever they stand in it.</summary>
    private void Finish(RequestState request, FinishReason reason)
    {
        foreach (Sequence sequence in request.Sequences)
        {
            if (sequence.Finished is not null)
            {
                continue;
            }

            sequence.Finish(reason);
            if (!sequence.IsAdmitted)
            {
                queue.Remove(sequence);
                NoteLeft(sequence);
            }
        }
    }

    /// <summary>One that never ran holds no pages: of many, so many are returned between two steps as commands are taken.</summary>
    private void NoteLeft(Sequence sequence)
    {
        if (sequence.Request.Order == 0)
        {
            _left.Enqueue(sequence);
        }
        else
        {
            _finished.Add(sequence);
        }
    }

    /// <summary>
    /// Pages that a waiting sequence needs, those of a generation that is to be pinned and of pinned ones not counted; null for all.
    /// </summary>
    private static int PagesNeeded(Sequence sequence, Generation? pinned)
    {
        ImmutableArray<Lease> leases = sequence.Request.Leases;
        int pages = CachePages(sequence);
        for (int i = 0; i < leases.Length; i++)
        {
            AdapterRegistration registration = leases[i].Registration;
            bool counts = pinned is null || registration.Generation is not { } own || (own.Pins == 0 && !ReferenceEquals(own, pinned));
            for (int j = 0; counts && j < i; j++)
            {
                counts = !ReferenceEquals(leases[j].Registration, registration);
            }

            pages += counts ? registration.PageCount : 0;
        }

        return pages;
    }

    private static int CachePages(Sequence sequence) =>
        sequence.Table.PagesFor(sequence.CacheTokens, sequence.PendingForks, sequence.PromptLength);

    private void Return(Sequence sequence)
    {
        RequestState request = sequence.Request;
        if (request.Order == 0)
        {
            queue.Leave();
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
