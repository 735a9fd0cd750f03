using System.Diagnostics;
using SLoRA.Adapters.Resident;
using SLoRA.Diagnostics;
using SLoRA.Pool;
using SLoRA.Scheduling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// What the outside may see of the engine: written by its thread between steps, read by any thread without a lock. Every picture is of one
/// moment.
/// </summary>
internal sealed class EngineMonitor
{
    private readonly SequenceLock<EngineCounts> _published = new();
    private readonly EngineParts _parts;
    private readonly DeviceCache _cache;
    private readonly PrefixCache? _prefixes;
    private readonly Preemption _preemption;
    private readonly ActiveRequests _requests;
    private readonly RequestEndings _endings;
    private readonly WaitingQueue _queue;
    private readonly AccountMonitor? _accounts;
    private EngineCounts _counts;
    private bool _hasStepped;

    /// <summary>Looks at the parts of an engine.</summary>
    public EngineMonitor(
        EngineParts parts, DeviceCache cache, PrefixCache? prefixes, Preemption preemption, ActiveRequests requests, RequestEndings endings,
        WaitingQueue queue)
    {
        _parts = parts;
        _cache = cache;
        _prefixes = prefixes;
        _preemption = preemption;
        _requests = requests;
        _endings = endings;
        _queue = queue;
        _accounts = parts.Order.Accounts is { } book ? new AccountMonitor(book, parts.Clock) : null;
        Observe();
    }

    /// <summary>The numbers as they were observed last. Any thread.</summary>
    public EngineCounts Counts => _published.Read();

    /// <summary>The accounts as they were observed last; none without a policy that has some. Any thread.</summary>
    public IReadOnlyList<AccountStatus> Accounts => _accounts?.Status() ?? [];

    /// <summary>Notes a step; <see cref="Observe"/> shows it.</summary>
    /// <param name="plan">What was computed.</param>
    /// <param name="sequences">The sequence of each slice.</param>
    /// <param name="generated">Tokens written into streams so far.</param>
    /// <param name="started">Timestamp of its start.</param>
    public void Stepped(StepPlan plan, IReadOnlyList<Sequence> sequences, long generated, long started)
    {
        int decodeRows = 0;
        int promptTokens = 0;
        for (int i = 0; i < plan.Slices.Length; i++)
        {
            StepSlice slice = plan.Slices[i];
            decodeRows += slice.RowCount == 1 ? 1 : 0;
            promptTokens += Math.Clamp(sequences[i].PromptLength - slice.FirstPosition, 0, slice.RowCount);
        }

        StepExchange exchange = _parts.Decoder.Exchange;
        _counts.ComputedTokens += plan.RowCount;
        _counts.PromptTokens += promptTokens;
        _counts.SampledTokens += plan.OutputCount;
        _counts.GeneratedTokens = generated;
        _counts.LastStep = new StepStatus(
            _counts.LastStep.Number
                + 1, plan.RowCount, decodeRows, sequences.Count, DistinctAdapters(plan.Lora), _parts.Clock.GetElapsedTime(started))
        {
            Collectives = Stopwatch.GetElapsedTime(0, exchange.BaseTicks + exchange.LoraTicks),
            AdapterCollectives = Stopwatch.GetElapsedTime(0, exchange.LoraTicks),
        };
        _hasStepped = true;
    }

    /// <summary>Shows how things stand, and the step that has been noted.</summary>
    public void Observe()
    {
        if (_hasStepped)
        {
            _hasStepped = false;
            _parts.Metrics.Stepped(_counts.LastStep);
        }

        int inUse = 0;
        IReadOnlyList<Generation> resident = _cache.Resident;
        for (int i = 0; i < resident.Count; i++)
        {
            inUse += resident[i].Users > 0 ? 1 : 0;
        }

        _counts.Pool = new PoolStatus(_parts.Layout.PageBytes, _parts.Pool.Total, _parts.Pool.Free, _parts.Pool.Reserved, _cache.OwnedPages)
        {
            CacheType = CacheElements.Of(_parts.Layout.Type),
            IdleAdapters = _cache.IdlePageCount,
            IdlePrefixes = _prefixes?.IdlePageCount ?? 0,
        };
        _counts.AdapterCache = _cache.Counters with { Resident = resident.Count, InUse = inUse, PagingIn = _cache.PagingIn.Count };
        PrefixCounters prefixes = _prefixes?.Counters ?? default;
        _counts.Prefixes = new PrefixCacheStatus(prefixes.Lookups, prefixes.Hits, prefixes.LookupTokens, prefixes.HitTokens);
        _counts.Preemptions = _preemption.Counters.Preempted;
        _counts.Queue = Queue();
        _counts.Running = _requests.Running.Count;
        _counts.Leases = _requests.Leases;
        _counts.Ended = _endings.Ended;
        _published.Write(_counts);
        _accounts?.Observe();
        _parts.Metrics.Count(_counts);
    }

    /// <summary>A consistent picture. Any thread.</summary>
    public EngineStatus Status()
    {
        EngineCounts counts = Counts;
        return new EngineStatus
        {
            Backend = _parts.Backend,
            Running = counts.Running,
            Queue = counts.Queue,
            EndedRequests = counts.Ended,
            Leases = counts.Leases,
            AdapterCache = counts.AdapterCache,
            PrefixCache = counts.Prefixes,
            Pool = counts.Pool,
            Preemptions = counts.Preemptions,
            Steps = counts.LastStep.Number,
            ComputedTokens = counts.ComputedTokens,
            PromptTokens = counts.PromptTokens,
            SampledTokens = counts.SampledTokens,
            GeneratedTokens = counts.GeneratedTokens,
            LastStep = counts.LastStep,
            Accounts = Accounts,
        };
    }

    /// <summary>
    /// Who waits for what: the first that has its content and is not admitted says what everybody behind it waits for too.
    /// </summary>
    private QueueStatus Queue()
    {
        int content = _queue.ForContent;
        int overQuota = _queue.OverQuota;
        int others = _queue.Count - content - overQuota;
        Sequence? first = _queue.NextReady(null);
        return first is null || first.Request.Asked.Continuations <= FreePlaces()
            ? new QueueStatus(content, others, 0) { ForQuota = overQuota }
            : new QueueStatus(content, 0, others) { ForQuota = overQuota };
    }

    private int FreePlaces()
    {
        int places = _parts.Scheduling.Places;
        for (int i = 0; i < _requests.Running.Count; i++)
        {
            places -= 1 + _requests.Running[i].PendingForks;
        }

        return places;
    }

    private static int DistinctAdapters(WorkList list)
    {
        int distinct = 0;
        for (int i = 0; i < list.Chunks.Length; i++)
        {
            bool seen = false;
            for (int j = 0; j < i && !seen; j++)
            {
                seen = ReferenceEquals(list.Chunks[j].Adapter, list.Chunks[i].Adapter);
            }

            distinct += seen ? 0 : 1;
        }

        return distinct;
    }
}
