using System.Collections.Immutable;
using System.Diagnostics;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Diagnostics;
using SLoRA.Errors;
using SLoRA.Pool;
using SLoRA.Requests;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// The loop: one step after another, on one thread. Everything mutable belongs to that thread; callers talk to it through the inbox.
/// </summary>
internal sealed class EngineLoop : IRequestPort
{
    private readonly EngineParts _parts;
    private readonly Inbox _inbox = new();
    private readonly OpenStreams _open = new();
    private readonly StepPlan _plan;
    private readonly StepPlanner _planner;
    private readonly Residency _residency;
    private readonly WaitingQueue _queue;
    private readonly ActiveRequests _requests;
    private readonly SlowConsumers _slowConsumers;
    private readonly Publisher _publisher;
    private readonly SwapSpace _swap;
    private Exception? _ended;

    /// <summary>Puts the parts together; <see cref="Step"/> makes them move.</summary>
    public EngineLoop(EngineParts parts, Func<int>? chunkLimit = null)
    {
        _parts = parts;
        SchedulingOptions scheduling = parts.Scheduling;
        _plan = new StepPlan(scheduling.MaxRowsPerStep, scheduling.Places, parts.Pool.Total);
        _planner = new StepPlanner(scheduling.StreamBuffer, scheduling.PromptRows, chunkLimit);
        _queue = new WaitingQueue(scheduling.MaxWaiting);
        _residency = new Residency(parts.Residency, _queue, ContentRead, WakeUp);
        _swap = new SwapSpace(parts.Pages, scheduling.SwapBytes);
        Preemption = new Preemption(_swap, scheduling, parts.Clock);
        PrefixCache = parts.ReusesPrefixes ? new PrefixCache(parts.Pool, parts.Layout.PageTokens, parts.Clock) : null;
        HostStore.Dropped = generation => PrefixCache?.Drop(generation.High, generation.Low);
        Reclaim reclaim = PrefixCache is null ? new Reclaim(parts.Pool, DeviceCache) : new Reclaim(parts.Pool, DeviceCache, PrefixCache);
        _requests = new ActiveRequests(parts, _queue, _residency, reclaim, Preemption);
        _residency.Connect(reclaim, _requests.PagesNeededBeside);
        _slowConsumers = new SlowConsumers(scheduling, parts.Clock, WakeUp);
        Monitor = new EngineMonitor(parts, DeviceCache, PrefixCache, Preemption, _requests, _queue);
        parts.Metrics.Watch(() => Monitor.Counts);
        DeviceCache.PagedIn = parts.Metrics.PagedIn;
        _publisher = new Publisher(parts, _requests);
    }

    /// <summary>Name → registration.</summary>
    public AdapterNames Names => _residency.Names;

    /// <summary>Content in main memory.</summary>
    public HostStore HostStore => _residency.Store;

    /// <summary>Content in the pool.</summary>
    public DeviceCache DeviceCache => _residency.Cache;

    /// <summary>What the program wants in pages. Engine's thread only.</summary>
    public Preloads Preloads => _residency.Preloads;

    /// <summary>The clock.</summary>
    public TimeProvider Clock => _parts.Clock;

    /// <summary>Pages of the pool.</summary>
    public int TotalPages => _parts.Pool.Total;

    /// <summary>Pages of keys and values that are kept for others; null when that is off.</summary>
    public PrefixCache? PrefixCache { get; }

    /// <summary>How sequences give up their pages; counts what that has cost.</summary>
    public Preemption Preemption { get; }

    /// <summary>Sequences that run, in the order of admission. Engine's thread only.</summary>
    public IReadOnlyList<Sequence> Running => _requests.Running;

    /// <summary>
    /// A picture of the sequences that wait: preempted ones, then the others in the order of arrival. Engine's thread only.
    /// </summary>
    public IReadOnlyList<Sequence> Waiting => [.. _queue.InOrder()];

    /// <summary>Sequences that were admitted before one that waits for consumers that do not read.</summary>
    public long Passed => _requests.Passed;

    /// <summary>What the outside may see.</summary>
    public EngineMonitor Monitor { get; }

    /// <summary>Unread tokens at which a sequence pauses.</summary>
    public int StreamBuffer => _parts.Scheduling.StreamBuffer;

    /// <summary>Hands a request in. Any thread.</summary>
    public void Submit(GenerationStream stream)
    {
        // Known before it is posted: from here on it is owed an end.
        _open.Add(stream);
        try
        {
            if (!_queue.TryEnter())
            {
                throw new EngineBusyException(_parts.Scheduling.MaxWaiting);
            }

            Post(new Submission(stream));
        }
        catch
        {
            _open.Remove(stream);
            throw;
        }
    }

    /// <summary>Ends a request as cancelled. Any thread; does nothing for a request that has ended.</summary>
    public void Cancel(GenerationStream stream) => _inbox.TryPost(new Cancellation(stream));

    /// <summary>Takes no more requests. Any thread.</summary>
    /// <returns>Ends when those that were handed in have ended.</returns>
    public Task DrainAsync() => _open.DrainAsync();

    /// <summary>A stream has been told of its end. Any thread.</summary>
    public void Ended(GenerationStream stream) => _open.Remove(stream);

    /// <summary>The caller of a preload waits no more. Any thread; does nothing for one that has ended.</summary>
    public void Cancel(Preload preload) => _inbox.TryPost(new PreloadCancelled(preload));

    /// <summary>Wakes the engine's thread, which looks for something to do. Any thread.</summary>
    public void WakeUp() => _inbox.TryPost(Wake.Instance);

    /// <summary>Posts a command, or lets it fail when the engine has ended. Any thread.</summary>
    public void Post(EngineCommand command)
    {
        if (!_inbox.TryPost(command))
        {
            throw _ended is EngineFaultedException fault ? SLoraException.Repeat(fault) : new EngineDisposedException();
        }
    }

    /// <summary>Does something on the engine's thread. Any thread; whatever fails is in the task.</summary>
    public Task<T> CallAsync<T>(Func<EngineLoop, T> action)
    {
        var call = new Call<T>(action);
        try
        {
            Post(call);
        }
        catch (SLoraException error)
        {
            call.Abandon(error);
        }

        return call.Result;
    }

    /// <summary>Blocks until a command is posted.</summary>
    public void Wait() => _inbox.Wait();

    /// <summary>One step: the engine's table of contents.</summary>
    /// <returns>False when there was nothing to do until something is posted.</returns>
    public bool Step()
    {
        DrainInbox();
        EndSlowConsumers();
        Retire();
        _residency.Begin(_planner.CanPlan(_requests.Running));
        _requests.Admit();
        bool ended = _requests.SecurePages();
        _residency.Advance();
        bool planned = _planner.TryPlan(_requests.Running, _plan)
            || (_residency.TryFinishCopies() && _planner.TryPlan(_requests.Running, _plan));
        if (planned)
        {
            long started = _parts.Clock.GetTimestamp();
            _publisher.Describe(_plan, _planner.Sequences);
            Activity? trace = StepTrace.Start(_plan);
            _parts.Decoder.Run(_plan);
            StepTrace.End(trace);
            _publisher.SampleAndPublish(_plan, _planner.Sequences);
            _residency.End(started);
            Monitor.Stepped(_plan, _planner.Sequences, _publisher.Published, started);
            Preemption.Stepped(_plan.RowCount, _parts.Clock.GetElapsedTime(started));
        }

        Monitor.Observe();
        CheckInvariants();
        return planned || ended || _requests.HasLeft || DeviceCache.PagingIn.Count > 0;
    }

    /// <summary>
    /// Ends every request and refuses what comes later. Whoever waits for the engine is told, and every part is ended, whatever fails on
    /// the way: an engine may end because its books are wrong.
    /// </summary>
    /// <param name="reason">The error that every stream ends with.</param>
    /// <exception cref="AggregateException">What failed on the way; everything else has been done.</exception>
    public void End(Exception reason)
    {
        _ended = reason;
        FinishReason ending = reason is EngineDisposedException ? FinishReason.Disposed : FinishReason.Failed;
        var failures = new List<Exception>();
        _inbox.Close();
        while (_inbox.TryTake(out EngineCommand? command))
        {
            Attempt(() => command.Abandon(SLoraException.Repeat(reason)));
        }

        Attempt(() => _requests.EndAll(ending, reason));
        do
        {
            Attempt(Retire);
        }
        while (_requests.HasLeft);

        Attempt(() => Preloads.EndAll(reason));
        Attempt(_slowConsumers.Dispose);
        Attempt(() => _open.EndAll(ending, reason));
        Attempt(() => PrefixCache?.Clear());
        Attempt(_swap.Dispose);
        Attempt(HostStore.Clear);
        Attempt(_parts.Metrics.Dispose);
        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }

        void Attempt(Action part)
        {
            try
            {
                part();
            }
            catch (Exception error)
            {
                failures.Add(error);
            }
        }
    }

    /// <summary>The engine at this moment, for the validator. Engine's thread only.</summary>
    public EngineSnapshot Snapshot() => new(
        _parts.Pool.Snapshot(),
        [.. _requests.Running.Concat(_queue.InOrder())
            .Select(sequence => new OwnerSnapshot("sequence", [.. sequence.Table.Pages], sequence.Table.Reserved))],
        [
            .. DeviceCache.Resident.Select(generation =>
                new OwnerSnapshot("generation", [.. generation.Resident!.Pages], 0) { Whole = generation.Directory.PageCount }),
            .. DeviceCache.PagingIn.Select(generation => new OwnerSnapshot("generation", [.. generation.Copy!.Pages], 0)),
        ])
    {
        Prefixes = PrefixCache is null ? [] : [.. PrefixCache.Snapshot().Select(kept => new PrefixSnapshot(kept.Page, kept.Parent))],
        IdlePrefixes = PrefixCache?.IdlePageCount ?? 0,
        Leases = LeaseSnapshots(),
        SwapBlocks = _swap.Used,
        SwappedPages = _queue.InOrder().Sum(sequence => sequence.Swapped?.Blocks.Length ?? 0),
    };

    /// <summary>Drops what is held of an adapter that nobody uses. Engine's thread only.</summary>
    /// <exception cref="AdapterNotFoundException">There is no such adapter.</exception>
    internal EvictedAdapter Evict(string name)
    {
        if (!Names.Contains(name))
        {
            throw new AdapterNotFoundException(name);
        }

        return HostStore.Drop(Names.Current[name]);
    }

    /// <summary>Gives a name the content that was found for it, if it is another. Engine's thread only.</summary>
    /// <returns>Whether it is.</returns>
    internal bool Refresh(AdapterRegistration registration, LoadedAdapter found) => _residency.Refresh(registration, found);

    /// <summary>Makes a sequence of a submission. Called by <see cref="Submission"/>.</summary>
    /// <exception cref="SLoraException">It names an adapter that is not registered, or needs more pages than there are; nothing has
    /// changed.</exception>
    internal void Arrive(GenerationStream stream)
    {
        GenerationRequest asked = stream.Request;
        ImmutableArray<Lease> leases = Names.Resolve(asked);
        var table = new PageTable(_parts.Pool, _parts.Layout.PageTokens, PrefixCache, asked.Prompt.Length + stream.MaxTokens - 1);
        _requests.RequireFits(
            table.PagesFor(asked.Prompt.Length + stream.MaxTokens - 1, asked.Continuations - 1, asked.Prompt.Length), leases);
        var rules = new StopRules(asked.StopTokens, _parts.Decoder.Description.EndOfSequence, asked.IgnoreEndOfText, stream.MaxTokens);
        var request = new RequestState(stream, leases, rules, _parts.Seeds.SeedFor(asked.Sampling), _parts.Clock.GetTimestamp());
        var sequence = new Sequence(request, table);
        if (asked.Deadline is { } deadline)
        {
            request.DeadlineTimer = _parts.Clock.CreateTimer(
                _ => _inbox.TryPost(new DeadlinePassed(request)), null, deadline, Timeout.InfiniteTimeSpan);
        }

        _requests.Add(sequence);
    }

    /// <summary>Takes the pages of everything that nobody uses. Engine's thread only.</summary>
    internal void DropCaches()
    {
        DeviceCache.EvictIdle();
        PrefixCache?.Clear();
        Monitor.Observe();
    }

    /// <summary>Ends a request that cannot be taken in. Called by <see cref="Submission"/>.</summary>
    internal void Refuse(GenerationStream stream, Exception error)
    {
        _queue.Leave();
        _parts.Metrics.Ended(stream.Request, FinishReason.Failed, GenerationUsage.Nothing(stream.Request), TimeSpan.Zero, error);
        stream.EndUnserved(FinishReason.Failed, error);
    }

    /// <summary>Ends the sequences of a stream. Called by <see cref="Cancellation"/>.</summary>
    internal void CancelNow(GenerationStream stream) => _requests.Cancel(stream);

    /// <summary>Ends all sequences of a request with an error. Called by <see cref="DeadlinePassed"/>.</summary>
    internal void Fail(RequestState request, Exception error) => _requests.Fail(request, error);

    /// <summary>Gives waiting sequences the content they wait for, or the error. Called by <see cref="ContentLoaded"/>.</summary>
    internal void ContentArrived(AdapterRegistration registration, LoadedAdapter? loaded, Exception? error)
    {
        if (loaded is not null)
        {
            error = Attached(registration, loaded);
        }

        _residency.Loads.End(registration, loaded?.Image is not null, error);
        if (error is null)
        {
            _requests.RequireFits(registration);
        }
        else if (error is not OperationCanceledException)
        {
            if (error is AdapterNotFoundException)
            {
                Names.Forget(registration);
            }

            registration.IsStale |= error is AdapterChangedException;
            _requests.FailWaitingFor(registration, error!);
            Preloads.Fail(registration, error!);
        }
    }

    /// <summary>Takes content over. That there is no memory to keep it is the error of those who wait for it and nobody else's.</summary>
    private AdapterLoadException? Attached(AdapterRegistration registration, LoadedAdapter loaded)
    {
        try
        {
            _residency.Attach(registration, loaded, changed => _requests.FailBegun(registration, changed));
            return null;
        }
        catch (Exception error)
        {
            if (loaded.Image is { } image && !HostStore.Holds(image))
            {
                loaded.Dispose();
            }

            return new AdapterLoadException(registration.Name, LoadErrorKind.File, "cannot be kept: "
                + Shown.Text(ErrorText.Of(error)), error);
        }
    }

    /// <summary>Content has been read in the background; when the engine has ended meanwhile, nobody wants it. Any thread.</summary>
    private void ContentRead(AdapterRegistration registration, LoadedAdapter? loaded, Exception? error)
    {
        if (!_inbox.TryPost(new ContentLoaded(registration, loaded, error)))
        {
            loaded?.Dispose();
        }
    }

    private void EndSlowConsumers()
    {
        foreach (RequestState request in _slowConsumers.Look(_requests.Running, _queue.Preempted))
        {
            _requests.Fail(request, new ConsumerStalledException(_parts.Scheduling.ConsumerTimeout));
        }
    }

    private void DrainInbox()
    {
        _inbox.BeginBatch();
        while (_inbox.TryTake(out EngineCommand? command))
        {
            try
            {
                command.Apply(this);
            }
            catch (Exception error)
            {
                // It has been taken out, so nobody else will tell whoever waits for it.
                command.Abandon(new EngineFaultedException(error));
                throw;
            }
        }
    }

    /// <summary>What ended goes back to the pool; the outside sees that before the streams end.</summary>
    private void Retire()
    {
        if (_requests.ReturnFinished())
        {
            Monitor.Observe();
            _requests.CompleteFinished();
        }
    }

    private ImmutableArray<LeaseSnapshot> LeaseSnapshots() =>
    [
        .. _requests.Running.Concat(_queue.InOrder())
            .SelectMany(sequence => sequence.Request.Leases, (sequence, lease) => (sequence.IsAdmitted, lease.Registration))
            .GroupBy(held => held.Registration)
            .Select(held => new LeaseSnapshot(
                held.Key.Name, held.Count(), held.Key.Leases, held.Count(lease => lease.IsAdmitted), held.Key.Generation?.Users ?? -1)),
    ];

    private void CheckInvariants()
    {
        if (_parts.ChecksInvariants)
        {
            InvariantValidator.ThrowIfViolated(Snapshot());
        }
    }
}
