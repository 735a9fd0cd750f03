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
/// <param name="leaveQueue">Told when a request ends that was never admitted.</param>
internal sealed class ActiveRequests(EngineParts parts, Residency residency, Reclaim reclaim, Action leaveQueue)
{
    private readonly Admission _admission = new(reclaim, residency.Cache, parts.Scheduling.Places);
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _finished = [];

    /// <summary>Sequences that run, in the order of admission.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>Sequences that wait, in the order of arrival.</summary>
    public IReadOnlyList<Sequence> Waiting => _admission.Waiting;

    /// <summary>Takes a sequence in: it waits, and its adapters are leased. One whose adapter has just failed to load fails too.</summary>
    public void Add(Sequence sequence)
    {
        Exception? refusal = null;
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
    /// <returns>How many.</returns>
    public int Admit() => _admission.Admit(_running, parts.Clock.GetTimestamp());

    /// <summary>Starts a further continuation of a prompt that has been computed: it shares the full pages.</summary>
    public Sequence Fork(Sequence sequence)
    {
        RequestState request = sequence.Request;
        Sequence fork = sequence.Fork(request.Forked, parts.Pages.Copy);
        request.Forked++;
        request.Open++;
        foreach (Lease lease in request.Leases)
        {
            lease.Registration.Leases++;
            DeviceCache.Hold(lease.Generation!);
        }

        _running.Add(fork);
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
    public void ReturnFinished()
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
        foreach (Sequence sequence in _finished)
        {
            Return(sequence);
        }
    }

    /// <summary>Ends the streams of requests whose last sequence has been returned.</summary>
    /// <returns>How many.</returns>
    public int CompleteFinished()
    {
        int completed = 0;
        foreach (Sequence sequence in _finished)
        {
            if (--sequence.Request.Open == 0)
            {
                sequence.Request.Complete(parts.Clock);
                completed++;
            }
        }

        _finished.Clear();
        return completed;
    }

    private static int CachePages(Sequence sequence) =>
        sequence.Table.PagesFor(sequence.CacheTokens, sequence.PendingForks, sequence.PromptLength);

    private void Return(Sequence sequence)
    {
        RequestState request = sequence.Request;
        bool admitted = request.Admitted != 0;
        if (!admitted)
        {
            leaveQueue();
        }

        sequence.Table.Release();
        foreach (Lease lease in request.Leases)
        {
            if (admitted)
            {
                residency.Cache.Release(lease.Generation!);
            }

            lease.Registration.Leases--;
            residency.Store.Collect(lease.Registration);
        }

        request.Ended(sequence.Continuation, sequence.Finished!.Value);
    }
}
