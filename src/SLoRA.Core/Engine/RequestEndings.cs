using SLoRA.Adapters.Resident;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>
/// How requests end: their sequences are marked, wherever they are; before the next plan everything that they hold is returned, and then
/// their streams are told. Belongs to the engine's thread.
/// </summary>
/// <param name="parts">What the engine is made of.</param>
/// <param name="requests">The requests that there are.</param>
/// <param name="queue">Those of them that wait.</param>
/// <param name="residency">Generations in pages and in main memory.</param>
/// <param name="preemption">How sequences give up pages.</param>
internal sealed class RequestEndings(
    EngineParts parts, ActiveRequests requests, WaitingQueue queue, Residency residency, Preemption preemption)
{
    private readonly List<Sequence> _finished = [];
    private readonly Queue<Sequence> _left = [];
    private readonly Queue<RequestState> _completed = [];

    /// <summary>Sequences that have ended while they waited and are still to be returned. For what happens seldom.</summary>
    public IEnumerable<Sequence> Left => _left.Concat(_finished);

    /// <summary>Whether sequences have ended that are still to be returned although there may be no other step.</summary>
    public bool HasLeft => _left.Count > 0;

    /// <summary>Requests whose last sequence has been returned.</summary>
    public long Ended { get; private set; }

    /// <summary>Ends the sequences of a stream as cancelled.</summary>
    public void Cancel(GenerationStream stream)
    {
        if (requests.Find(stream) is { } request)
        {
            TryFinish(request, FinishReason.Cancelled);
        }
    }

    /// <summary>Ends all sequences of a request with an error; does nothing for a request that has ended.</summary>
    public void Fail(RequestState request, Exception error)
    {
        FinishReason reason = error switch
        {
            DeadlineExceededException => FinishReason.Deadline,
            FirstTokenTargetException => FinishReason.FirstTokenTarget,
            _ => FinishReason.Failed,
        };
        if (TryFinish(request, reason))
        {
            request.Error ??= error;
        }
    }

    /// <summary>Ends the requests for which the order of the queue says that it is too late.</summary>
    public void FailExpired()
    {
        IReadOnlyList<ExpiredRequest> expired = queue.Expired(parts.Clock.GetTimestamp());
        for (int i = 0; i < expired.Count; i++)
        {
            Fail(expired[i].Request, expired[i].Error);
        }
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
            if (!sequence.Request.HasRun)
            {
                sequence.Request.ForgetOrigin();
            }
            else
            {
                Fail(sequence.Request, SLoraException.Repeat(error));
            }
        }
    }

    /// <summary>Ends every request that has not ended.</summary>
    public void EndAll(FinishReason reason, Exception error)
    {
        Sequence[] all = [.. requests.Running, .. queue.InOrder()];
        foreach (Sequence sequence in all)
        {
            if (TryFinish(sequence.Request, reason))
            {
                sequence.Request.Error ??= SLoraException.Repeat(error);
            }
        }
    }

    /// <summary>
    /// Takes the sequences that have ended out and returns everything that they hold; of those that have left the queue, only so many at a
    /// time.
    /// </summary>
    /// <returns>Whether there were any.</returns>
    public bool Return()
    {
        requests.TakeEnded(_finished);
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
    public void Complete()
    {
        // Each is taken out before it is told, so that one that fails is not told twice and holds up none behind it.
        while (_completed.TryDequeue(out RequestState? request))
        {
            requests.Forget(request);
            request.Complete(parts.Clock, parts.Metrics);
        }
    }

    /// <summary>Ends the sequences of a request that have not ended: those that wait leave the queue, wherever they stand in it.</summary>
    /// <returns>Whether there were any.</returns>
    private bool TryFinish(RequestState request, FinishReason reason)
    {
        bool any = false;
        foreach (Sequence sequence in request.Sequences)
        {
            if (sequence.Finished is not null)
            {
                continue;
            }

            any = true;
            sequence.Finish(reason);
            if (!sequence.IsAdmitted)
            {
                queue.Remove(sequence);
                NoteLeft(sequence);
            }
        }

        return any;
    }

    /// <summary>One that never ran holds no pages: of many, so many are returned between two steps as commands are taken.</summary>
    private void NoteLeft(Sequence sequence)
    {
        if (!sequence.Request.HasRun)
        {
            _left.Enqueue(sequence);
        }
        else
        {
            _finished.Add(sequence);
        }
    }

    private void Return(Sequence sequence)
    {
        RequestState request = sequence.Request;
        if (!request.HasRun)
        {
            queue.Leave();
        }

        sequence.Table.Release();
        preemption.Forget(sequence);
        foreach (Lease lease in sequence.Leases)
        {
            lease.Registration.NoteTokens(sequence.Count - sequence.PromptLength);
            residency.Generations.Return(lease);
        }

        request.Ended(sequence.Continuation, sequence.Finished!.Value);
        if (--request.Open == 0)
        {
            Ended++;
            _completed.Enqueue(request);
        }
    }
}
