using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;

namespace SLoRA.Engine;

/// <summary>
/// The heart: one step after another, on one thread. Everything mutable belongs to that thread; callers talk to it through the inbox.
/// </summary>
internal sealed class EngineLoop
{
    private readonly EngineParts _parts;
    private readonly Inbox _inbox = new();
    private readonly StepPlan _plan;
    private readonly StepPlanner _planner;
    private readonly Admission _admission;
    private readonly SamplingScratch _scratch;
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _finished = [];
    private Exception? _ended;
    private int _queued;

    /// <summary>Puts the parts together; <see cref="Step"/> makes them move.</summary>
    public EngineLoop(EngineParts parts, Func<int>? chunkLimit = null)
    {
        _parts = parts;
        SchedulingOptions scheduling = parts.Scheduling;
        _plan = new StepPlan(scheduling.MaxRowsPerStep, scheduling.MaxRunning);
        _planner = new StepPlanner(scheduling.StreamBuffer, chunkLimit);
        _scratch = new SamplingScratch(parts.Decoder.Description.VocabularySize);
        DeviceCache = new DeviceCache(parts.Pool, parts.Pages);
        _admission = new Admission(parts.Pool, DeviceCache, scheduling.MaxRunning);
        HostStore = new HostStore(
            DeviceCache, parts.ReadContent, (registration, content, error) => Post(new ContentLoaded(registration, content, error)));
        Names = new AdapterNames(HostStore);
        Monitor = new EngineMonitor(parts.Pool, parts.Layout.PageBytes, parts.Clock);
    }

    /// <summary>Name → registration.</summary>
    public AdapterNames Names { get; }

    /// <summary>Content in main memory.</summary>
    public HostStore HostStore { get; }

    /// <summary>Content in the pool.</summary>
    public DeviceCache DeviceCache { get; }

    /// <summary>Sequences that run, in the order of admission. Engine's thread only.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>What the outside may see.</summary>
    public EngineMonitor Monitor { get; }

    /// <summary>Hands a request in. Any thread.</summary>
    public void Submit(GenerationStream stream)
    {
        if (Interlocked.Increment(ref _queued) > _parts.Scheduling.MaxWaiting)
        {
            Interlocked.Decrement(ref _queued);
            throw new EngineBusyException(_parts.Scheduling.MaxWaiting);
        }

        Post(new Submission(stream));
    }

    /// <summary>Ends a request as cancelled. Any thread; does nothing for a request that has ended.</summary>
    public void Cancel(GenerationStream stream) => _inbox.TryPost(new Cancellation(stream));

    /// <summary>The consumer has taken a token: its sequence may have been paused. Any thread.</summary>
    public void Consumed(GenerationStream stream)
    {
        if (stream.Unread == _parts.Scheduling.StreamBuffer - 1)
        {
            _inbox.TryPost(Wake.Instance);
        }
    }

    /// <summary>Posts a command, or lets it fail when the engine has ended. Any thread.</summary>
    public void Post(EngineCommand command)
    {
        if (!_inbox.TryPost(command))
        {
            throw _ended is EngineFaultedException fault ? fault : new EngineDisposedException();
        }
    }

    /// <summary>Blocks until a command is posted.</summary>
    public void Wait() => _inbox.Wait();

    /// <summary>One step: the engine's table of contents.</summary>
    /// <returns>False when there was nothing to compute.</returns>
    public bool Step()
    {
        DrainInbox();
        Retire();
        Interlocked.Add(ref _queued, -_admission.Admit(_running, _parts.Clock.GetTimestamp()));
        DeviceCache.PageIn();
        bool planned = _planner.TryPlan(_running, _plan);
        if (planned)
        {
            long started = _parts.Clock.GetTimestamp();
            _parts.Decoder.Run(_plan);
            SampleAndPublish();
            Monitor.Stepped(_plan, _planner.Sequences, started);
        }

        Monitor.Observe(_running.Count, _admission.Waiting.Count, DeviceCache.Resident);
        CheckInvariants();
        return planned;
    }

    /// <summary>Ends every request and refuses what comes later.</summary>
    /// <param name="reason">The error that every stream ends with.</param>
    public void End(Exception reason)
    {
        _ended = reason;
        foreach (EngineCommand command in _inbox.Close())
        {
            command.Abandon(reason);
        }

        FinishReason finish = reason is EngineDisposedException ? FinishReason.Disposed : FinishReason.Failed;
        foreach (Sequence sequence in _running.Concat(_admission.Waiting))
        {
            sequence.Request.Error ??= reason;
            sequence.Finish(finish);
        }

        Retire();
        HostStore.Clear();
    }

    /// <summary>The engine at this moment, for the validator. Engine's thread only.</summary>
    public EngineSnapshot Snapshot() => new(
        _parts.Pool.Snapshot(),
        [.. _running.Select(sequence => new OwnerSnapshot("sequence", [.. sequence.Table.Pages], sequence.Table.Reserved))],
        [
            .. DeviceCache.Resident.Select(generation => new OwnerSnapshot("generation", [.. generation.Resident!.Pages], 0)),
            .. DeviceCache.PagingIn.Select(generation => new OwnerSnapshot("generation", [], generation.Directory.PageCount)),
        ]);

    /// <summary>Makes a sequence of a submission. Called by <see cref="Submission"/>.</summary>
    internal void Arrive(GenerationStream stream)
    {
        GenerationRequest asked = stream.Request;
        ImmutableArray<Lease> leases = Names.Resolve(asked);
        var table = new PageTable(_parts.Pool, _parts.Layout.PageTokens);
        RequireFits(table.PagesFor(asked.Prompt.Length + stream.MaxTokens - 1, asked.Continuations - 1, asked.Prompt.Length), leases);
        var rules = new StopRules(asked.StopTokens, _parts.Decoder.Description.EndOfSequence, asked.IgnoreEndOfText, stream.MaxTokens);
        var request = new RequestState(stream, leases, rules, _parts.Seeds.SeedFor(asked.Sampling), _parts.Clock.GetTimestamp());
        foreach (Lease lease in leases)
        {
            lease.Registration.Leases++;
            HostStore.BeginLoad(lease.Registration);
        }

        if (asked.Deadline is { } deadline)
        {
            request.DeadlineTimer = _parts.Clock.CreateTimer(
                _ => _inbox.TryPost(new DeadlinePassed(request)), null, deadline, Timeout.InfiniteTimeSpan);
        }

        _admission.Enqueue(new Sequence(request, table));
    }

    /// <summary>A request ends that was never admitted.</summary>
    internal void LeaveQueue() => Interlocked.Decrement(ref _queued);

    /// <summary>Ends the sequences of a stream. Called by <see cref="Cancellation"/>.</summary>
    internal void CancelNow(GenerationStream stream)
    {
        foreach (Sequence sequence in _running.Concat(_admission.Waiting))
        {
            if (ReferenceEquals(sequence.Request.Stream, stream))
            {
                sequence.Finish(FinishReason.Cancelled);
            }
        }
    }

    /// <summary>Ends all sequences of a request with an error; nothing for a request that has ended.</summary>
    internal void Fail(RequestState request, Exception error)
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

    /// <summary>Gives waiting sequences the content they wait for, or the error. Called by <see cref="ContentLoaded"/>.</summary>
    internal void ContentArrived(AdapterRegistration registration, AdapterContent? content, Exception? error)
    {
        if (content is not null)
        {
            HostStore.Attach(registration, content);
            return;
        }

        registration.IsLoading = false;
        foreach (Sequence sequence in _admission.Waiting)
        {
            if (sequence.Request.Leases.Any(lease => ReferenceEquals(lease.Registration, registration)))
            {
                Fail(sequence.Request, error!);
            }
        }
    }

    private void DrainInbox()
    {
        foreach (EngineCommand command in _inbox.Drain())
        {
            command.Apply(this);
        }
    }

    private void Retire()
    {
        _admission.RemoveFinished(_finished);
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Finished is not null)
            {
                _finished.Add(_running[i]);
                _running.RemoveAt(i);
            }
        }

        foreach (Sequence sequence in _finished)
        {
            Return(sequence);
        }

        Monitor.Observe(_running.Count, _admission.Waiting.Count, DeviceCache.Resident);
        foreach (Sequence sequence in _finished)
        {
            if (--sequence.Request.Open == 0)
            {
                Monitor.Retired();
                sequence.Request.Complete(_parts.Clock);
            }
        }

        _finished.Clear();
    }

    /// <summary>Everything that a sequence holds goes back.</summary>
    private void Return(Sequence sequence)
    {
        RequestState request = sequence.Request;
        bool admitted = request.Admitted != 0;
        if (!admitted)
        {
            LeaveQueue();
        }

        sequence.Table.Release();
        foreach (Lease lease in request.Leases)
        {
            if (admitted)
            {
                DeviceCache.Release(lease.Generation!);
            }

            lease.Registration.Leases--;
            HostStore.Collect(lease.Registration);
        }

        request.Ended(sequence.Continuation, sequence.Finished!.Value);
    }

    private void SampleAndPublish()
    {
        int output = 0;
        long now = _parts.Clock.GetTimestamp();
        for (int i = 0; i < _planner.Sequences.Count; i++)
        {
            Sequence sequence = _planner.Sequences[i];
            StepSlice slice = _plan.Slices[i];
            sequence.Advance(slice.RowCount);
            while (output < _plan.OutputCount && _plan.OutputRows[output] < slice.FirstRow + slice.RowCount)
            {
                int row = _plan.OutputRows[output] - slice.FirstRow;
                Take(sequence, slice.FirstPosition + row, _parts.Decoder.Logits(output), row == slice.RowCount - 1, now);
                output++;
            }
        }
    }

    private void Take(Sequence sequence, int position, ReadOnlySpan<float> logits, bool isLast, long now)
    {
        try
        {
            GenerationRequest asked = sequence.Request.Request;
            asked.Tap?.Take(position, logits);
            if (position < sequence.PromptLength - 1 && asked.LogProbabilities is { IncludePrompt: true })
            {
                sequence.ReportPrompt(position, logits);
            }

            if (isLast && sequence.Pending == 0)
            {
                if (sequence.Request.FirstToken == 0)
                {
                    sequence.Request.FirstToken = now;
                }

                sequence.Sample(logits, _scratch);
                Fork(sequence, logits);
            }
        }
        catch (Exception error)
        {
            // A hook of the host program, or logits that no token can be chosen from: this request's error and nobody else's.
            Fail(sequence.Request, error);
        }
    }

    /// <summary>Starts the further continuations of a prompt that has just been computed: they share its pages and its logits.</summary>
    private void Fork(Sequence sequence, ReadOnlySpan<float> logits)
    {
        RequestState request = sequence.Request;
        for (int pending = sequence.PendingForks; pending > 0; pending--)
        {
            Sequence fork = sequence.Fork(request.Forked, _parts.Pages.Copy);
            request.Forked++;
            request.Open++;
            _running.Add(fork);
            foreach (Lease lease in request.Leases)
            {
                lease.Registration.Leases++;
                DeviceCache.Acquire(lease.Generation!);
            }

            fork.Sample(logits, _scratch);
        }
    }

    private void RequireFits(int cachePages, ImmutableArray<Lease> leases)
    {
        int adapterPages = leases.Select(lease => lease.Registration).Distinct().Sum(registration => registration.Directory.PageCount);
        if (cachePages + adapterPages > _parts.Pool.Total)
        {
            throw new RequestTooLargeException(cachePages, adapterPages, _parts.Pool.Total);
        }
    }

    private void CheckInvariants()
    {
        if (_parts.ChecksInvariants)
        {
            InvariantValidator.ThrowIfViolated(Snapshot());
        }
    }
}
