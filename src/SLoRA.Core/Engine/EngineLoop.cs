using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Scheduling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// The loop: one step after another, on one thread. Everything mutable belongs to that thread; callers talk to it through the
/// <see cref="Port"/>. What a step does is said by <see cref="SerialStep"/>, or <see cref="OverlappedStep"/> where the options ask for it.
/// </summary>
internal sealed class EngineLoop
{
    private readonly Residency _residency;
    private readonly WaitingQueue _queue;
    private readonly ActiveRequests _requests;
    private readonly SlowConsumers _slowConsumers;
    private readonly WakeTimer _quotaTimer;
    private readonly SwapSpace _swap;
    private readonly EngineBooks _books;
    private readonly IEngineStep _step;

    /// <summary>Puts the parts together; <see cref="Step"/> makes them move.</summary>
    public EngineLoop(EngineParts parts, Func<int>? chunkLimit = null)
    {
        Parts = parts;
        SchedulingOptions scheduling = parts.Scheduling;
        _queue = new WaitingQueue(scheduling.MaxWaiting, parts.Order);
        parts.Order.Claims?.Whole = new Holding(parts.Pool.Total, scheduling.Places);
        Port = new EnginePort(_queue, scheduling);

        // Copies of states are kept with blocks that stay as long as a sequence has what comes behind them.
        PrefixCache = parts.ReusesPrefixes && (parts.Layout.StatePages == 0 || parts.TableShape.WholeGroups > 0)
            ? new PrefixCache(parts.Pool, parts.TableShape, parts.Clock, copy: parts.Pages.Copy)
            : null;
        _residency = new Residency(parts.Residency(PrefixCache), _queue, ContentRead, Port.WakeUp);
        _swap = new SwapSpace(parts.Pages, scheduling.SwapBytes);
        Preemption = new Preemption(_swap, scheduling, parts.Clock);
        Reclaim reclaim = _residency.Reclaim;
        var demand = new PageDemand(parts.Pool, DeviceCache);
        var admission = new Admission(_queue, reclaim, _residency, Preemption, scheduling, parts.Pool.Total, parts.Clock);
        _requests = new ActiveRequests(parts, _queue, reclaim, admission, Preemption);
        Endings = new RequestEndings(parts, _requests, _queue, _residency, Preemption);
        var vocabulary = new VocabularyRule(parts.Decoder.Shape.VocabularySize);
        Arrivals = new Arrivals(parts, Port, _residency, demand, _queue, _requests, Endings, PrefixCache, vocabulary);
        Contents = new ContentArrivals(_residency, demand, _queue, Endings, vocabulary);
        _slowConsumers = new SlowConsumers(scheduling, parts.Clock, Port.WakeUp);
        _quotaTimer = new WakeTimer(parts.Clock, Port.WakeUp);
        Monitor = new EngineMonitor(parts, DeviceCache, PrefixCache, Preemption, _requests, Endings, _queue);
        parts.Metrics.Watch(() => Monitor.Counts, () => Monitor.Accounts);
        _books = new EngineBooks(parts, _requests, Endings, _queue, _residency, PrefixCache, _swap);
        Stages = new StepStages
        {
            Parts = parts,
            Commands = () => Port.Apply(this),
            SlowConsumers = _slowConsumers,
            QuotaTimer = _quotaTimer,
            Queue = _queue,
            Requests = _requests,
            Endings = Endings,
            Residency = _residency,
            Preemption = Preemption,
            Planner = new StepPlanner(scheduling.StreamBuffer, scheduling.PromptRows, chunkLimit, parts.Order.Claims),
            Plan = new StepPlan(scheduling.MaxRowsPerStep, scheduling.Places, parts.Pool.Total),
            Publisher = new Publisher(parts, _requests, Endings),
            Monitor = Monitor,
            Books = _books,
        };
        _step = scheduling.OverlapPublishing ? new OverlappedStep(Stages) : new SerialStep(Stages);
    }

    /// <summary>What it is made of.</summary>
    public EngineParts Parts { get; }

    /// <summary>What any thread may use.</summary>
    public EnginePort Port { get; }

    /// <summary>Name → registration.</summary>
    public AdapterNames Names => _residency.Names;

    /// <summary>Content in main memory.</summary>
    public HostStore HostStore => _residency.Store;

    /// <summary>Contents, wherever their bytes are.</summary>
    public Generations Generations => _residency.Generations;

    /// <summary>Content in the pool.</summary>
    public DeviceCache DeviceCache => _residency.Cache;

    /// <summary>What the program wants in pages. Engine's thread only.</summary>
    public Preloads Preloads => _residency.Preloads;

    /// <summary>The clock.</summary>
    public TimeProvider Clock => Parts.Clock;

    /// <summary>Pages of the pool.</summary>
    public int TotalPages => Parts.Pool.Total;

    /// <summary>Pages of keys and values that are kept for others; null when that is off.</summary>
    public PrefixCache? PrefixCache { get; }

    /// <summary>How sequences give up their pages; counts what that has cost.</summary>
    public Preemption Preemption { get; }

    /// <summary>Sequences that run, in the order of the queue. Engine's thread only.</summary>
    public IReadOnlyList<Sequence> Running => _requests.Running;

    /// <summary>
    /// A picture of the sequences that wait, in the order of the queue. Engine's thread only.
    /// </summary>
    public IReadOnlyList<Sequence> Waiting => [.. _queue.InOrder()];

    /// <inheritdoc cref="Admission.Passed"/>
    public long Passed => _requests.Passed;

    /// <summary>What the outside may see.</summary>
    public EngineMonitor Monitor { get; }

    /// <summary>What steps are made of. Engine's thread only.</summary>
    internal StepStages Stages { get; }

    /// <summary>How requests come in. Engine's thread only.</summary>
    internal Arrivals Arrivals { get; }

    /// <summary>How content comes in. Engine's thread only.</summary>
    internal ContentArrivals Contents { get; }

    /// <summary>How requests end. Engine's thread only.</summary>
    internal RequestEndings Endings { get; }

    /// <summary>Makes one step.</summary>
    /// <returns>False when there was nothing to do until something is posted.</returns>
    public bool Step() => _step.Run();

    /// <summary>
    /// Ends every request and refuses what comes later. Whoever waits for the engine is told, and every part is ended, whatever fails on
    /// the way: an engine may end because its books are wrong.
    /// </summary>
    /// <param name="reason">The error that every stream ends with.</param>
    /// <exception cref="AggregateException">What failed on the way; everything else has been done.</exception>
    public void End(Exception reason)
    {
        FinishReason ending = reason is EngineDisposedException ? FinishReason.Disposed : FinishReason.Failed;
        var failures = new List<Exception>();
        foreach (EngineCommand command in Port.Close(reason))
        {
            Attempt(() => command.Abandon(SLoraException.Repeat(reason)));
        }

        Attempt(_step.Dispose);
        Attempt(() => Endings.EndAll(ending, reason));
        do
        {
            Attempt(() => Endings.Return());
            Attempt(Monitor.Observe);
            Attempt(Endings.Complete);
        }
        while (Endings.HasLeft);

        Attempt(() => Preloads.EndAll(reason));
        Attempt(_slowConsumers.Dispose);
        Attempt(_quotaTimer.Dispose);
        Attempt(() => Port.EndStreams(ending, reason));
        Attempt(() => PrefixCache?.Clear());
        Attempt(_swap.Dispose);
        Attempt(Generations.Clear);
        Attempt(Parts.Metrics.Dispose);
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
    public EngineSnapshot Snapshot() => _books.Snapshot();

    /// <summary>Drops what is held of an adapter that nobody uses. Engine's thread only.</summary>
    /// <exception cref="AdapterNotFoundException">There is no such adapter.</exception>
    internal EvictedAdapter Evict(string name)
    {
        if (!Names.Contains(name))
        {
            throw new AdapterNotFoundException(name);
        }

        return Generations.Evict(Names.Current[name]);
    }

    /// <summary>Gives a name the content that was found for it, if it is another. Engine's thread only.</summary>
    /// <returns>Whether it is.</returns>
    internal bool Refresh(AdapterRegistration registration, LoadedAdapter found) => _residency.Refresh(registration, found);

    /// <summary>Takes the pages of everything that nobody uses. Engine's thread only.</summary>
    internal void DropCaches()
    {
        DeviceCache.EvictIdle();
        PrefixCache?.Clear();
        Monitor.Observe();
    }

    /// <summary>Content has been read in the background; when the engine has ended meanwhile, nobody wants it. Any thread.</summary>
    private void ContentRead(AdapterRegistration registration, LoadedAdapter? loaded, Exception? error)
    {
        if (!Port.TryPost(new ContentLoaded(registration, loaded, error)))
        {
            loaded?.Dispose();
        }
    }
}
