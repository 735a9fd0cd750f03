using System.Diagnostics.Metrics;
using SLoRA.Errors;

namespace SLoRA.Diagnostics;

/// <summary>
/// The instruments of the meter <see cref="MetricsOptions.MeterName"/>. The engine's thread records, which allocates nothing with a
/// listener and costs next to nothing without; gauges read the last picture of the engine on the listener's thread.
/// </summary>
internal sealed class EngineMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly bool _ownsMeter;
    private readonly ModelTags _tags;
    private readonly Histogram<double> _requestDuration;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _timePerOutputToken;
    private readonly Histogram<double> _queueDuration;
    private readonly Histogram<double> _prefillDuration;
    private readonly Histogram<double> _decodeDuration;
    private readonly Counter<long> _finished;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _generatedTokens;
    private readonly Histogram<int> _stepTokens;
    private readonly Histogram<int> _stepAdapters;
    private readonly Histogram<double> _stepDuration;
    private readonly Counter<long> _preemptions;
    private readonly Counter<long> _hits;
    private readonly Counter<long> _misses;
    private readonly Counter<long> _evictions;
    private readonly Histogram<double> _pageInDuration;
    private Func<EngineCounts>? _counts;
    private Func<IReadOnlyList<AccountStatus>>? _accounts;
    private EngineCounts _counted;

    /// <summary>Makes the instruments.</summary>
    /// <param name="options">Whose meter it is, and what becomes of adapters' names.</param>
    /// <param name="folder">The name of the base model's folder.</param>
    public EngineMetrics(MetricsOptions options, string folder)
    {
        var description =
            new MeterOptions(MetricsOptions.MeterName) { Version = typeof(EngineMetrics).Assembly.GetName().Version?.ToString(3) };
        _meter = options.MeterFactory?.Create(description) ?? new Meter(description);
        _ownsMeter = options.MeterFactory is null;
        try
        {
            _tags = new ModelTags(options.ModelName ?? folder, options.MaxAdapterTags);
            _requestDuration = Seconds("gen_ai.server.request.duration", "Requests, from their arrival to their end.", Buckets.Request);
            _timeToFirstToken =
                Seconds("gen_ai.server.time_to_first_token", "From a request's arrival to its first token.", Buckets.FirstToken);
            _timePerOutputToken =
                Seconds("gen_ai.server.time_per_output_token", "Between two tokens of a request, after the first.", Buckets.OutputToken);
            _queueDuration =
                Seconds("slora.request.queue.duration", "From the arrival of a request's adapters to its admission.", Buckets.Request);
            _prefillDuration = Seconds("slora.request.prefill.duration", "From a request's admission to its first token.", Buckets.Request);
            _decodeDuration = Seconds("slora.request.decode.duration", "From a request's first token to its end.", Buckets.Request);
            _finished = _meter.CreateCounter<long>("slora.requests.finished", "{request}", "Requests that have ended, by finish_reason.");
            _promptTokens = _meter.CreateCounter<long>("slora.tokens.prompt", "{token}", "Tokens of prompts that were computed.");
            _generatedTokens = _meter.CreateCounter<long>("slora.tokens.generated", "{token}", "Tokens that were handed to streams.");
            _stepTokens = _meter.CreateHistogram("slora.step.tokens", "{token}", "Tokens computed in a step.", advice: Buckets.Counts);
            _stepAdapters =
                _meter.CreateHistogram("slora.step.adapters", "{adapter}", "Distinct adapters in a step.", advice: Buckets.Counts);
            _stepDuration = Seconds("slora.step.duration", "Steps.", Buckets.Step);
            _preemptions = _meter.CreateCounter<long>(
                "slora.preemptions", "{preemption}", "How often a running sequence had to give its pages to others and wait.");
            _hits = _meter.CreateCounter<long>(
                "slora.adapter.hits", "{request}", "Admitted requests that found an adapter in the pool, or on its way into it.");
            _misses = _meter.CreateCounter<long>(
                "slora.adapter.misses", "{request}", "Admitted requests that found an adapter neither in the pool nor on its way into it.");
            _evictions = _meter.CreateCounter<long>("slora.adapter.evictions", "{adapter}", "Adapters whose pages were taken for others.");
            _pageInDuration = Seconds("slora.adapter.page_in.duration", "Copying an adapter into its pages.", Buckets.Step);
        }
        catch
        {
            // A listener that fails while instruments are made ends the building, and leaves no meter behind.
            Dispose();
            throw;
        }
    }

    /// <summary>Adds the gauges.</summary>
    /// <param name="counts">The numbers of the engine now; called by whoever listens, on any thread.</param>
    /// <param name="accounts">The accounts now; called as <paramref name="counts"/> is.</param>
    public void Watch(Func<EngineCounts> counts, Func<IReadOnlyList<AccountStatus>> accounts)
    {
        _counts = counts;
        _accounts = accounts;
        _meter.CreateObservableGauge(
            "slora.requests.running", () => Look(counts => (long)counts.Running), "{request}", "Sequences that run.");
        _meter.CreateObservableGauge(
            "slora.requests.waiting", () => Look(counts => (long)counts.Queue.Total), "{request}", "Requests that wait to be admitted.");
        _meter.CreateObservableGauge("slora.pool.pages", LookAtPages, "{page}", "Pages of the pool, by kind: kv, adapter, free.");
        _meter.CreateObservableGauge("slora.pool.utilization", () => Look(counts => counts.Pool.Utilization), "1",
            "The share of pages that are in use or promised.");
        _meter.CreateObservableGauge(
            "slora.adapter.resident", () => Look(counts => (long)counts.AdapterCache.Resident), "{adapter}", "Adapters in the pool.");
        _meter.CreateObservableGauge("slora.account.waiting", () => LookAtAccounts(account => (long)account.Waiting), "{request}",
            "Requests that wait to be admitted for the first time, by slora.account.");
        _meter.CreateObservableGauge("slora.account.oldest_wait", () => LookAtAccounts(account => account.OldestWait.TotalSeconds), "s",
            "How long the oldest waiting request has waited, by slora.account.");
        _meter.CreateObservableGauge("slora.account.counter", () => LookAtAccounts(account => account.Counter), "{token}",
            "What fair shares have counted, in tokens of prompts by weight, by slora.account.");
        _meter.CreateObservableCounter("slora.account.tokens.prompt", () => LookAtAccounts(account => account.PromptTokens), "{token}",
            "Tokens of prompts that were computed, by slora.account.");
        _meter.CreateObservableCounter("slora.account.tokens.generated", () => LookAtAccounts(account => account.GeneratedTokens),
            "{token}", "Tokens that were computed for answers, by slora.account.");
        _meter.CreateObservableCounter("slora.account.aborted", () => LookAtAccounts(account => account.AbortedRequests), "{request}",
            "Requests that were given up because of their first-token targets, by slora.account.");
    }

    /// <summary>Records a step.</summary>
    public void Stepped(in StepStatus step)
    {
        Record(_stepTokens, step.Rows, default);
        Record(_stepAdapters, step.Adapters, default);
        Record(_stepDuration, step.Duration.TotalSeconds, default);
    }

    /// <summary>Adds what has happened since the last call to the counters.</summary>
    public void Count(in EngineCounts counts)
    {
        Add(_promptTokens, counts.PromptTokens - _counted.PromptTokens);
        Add(_generatedTokens, counts.GeneratedTokens - _counted.GeneratedTokens);
        Add(_preemptions, counts.Preemptions - _counted.Preemptions);
        Add(_hits, counts.AdapterCache.Hits - _counted.AdapterCache.Hits);
        Add(_misses, counts.AdapterCache.Misses - _counted.AdapterCache.Misses);
        Add(_evictions, counts.AdapterCache.Evictions - _counted.AdapterCache.Evictions);
        _counted = counts;
    }

    /// <summary>Records that an adapter has been copied into its pages.</summary>
    public void PagedIn(TimeSpan duration) => Record(_pageInDuration, duration.TotalSeconds, default);

    /// <summary>Records the first token of a request.</summary>
    public void FirstToken(GenerationRequest request, TimeSpan sinceArrival) =>
        Record(_timeToFirstToken, sinceArrival.TotalSeconds, _tags.Of(request));

    /// <summary>Records the end of a request that had arrived.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reason">Why it ended.</param>
    /// <param name="usage">What it took.</param>
    /// <param name="duration">Since its arrival.</param>
    /// <param name="error">What it failed with, if it did.</param>
    public void Ended(GenerationRequest request, FinishReason reason, GenerationUsage usage, TimeSpan duration, Exception? error)
    {
        ReadOnlySpan<KeyValuePair<string, object?>> tags = _tags.Of(request);
        Record(_requestDuration, duration.TotalSeconds, error is null ? tags : [.. tags, new("error.type", ErrorText.TypeOf(error))]);
        Add(_finished, 1, [new("finish_reason", NameOf(reason))]);
        if (usage.GeneratedTokens == 0)
        {
            return;
        }

        Record(_queueDuration, usage.QueueTime.TotalSeconds, default);
        Record(_prefillDuration, usage.PrefillTime.TotalSeconds, default);
        Record(_decodeDuration, usage.DecodeTime.TotalSeconds, default);
        if (usage.GeneratedTokens > request.Continuations)
        {
            double perContinuation = (double)usage.GeneratedTokens / request.Continuations;
            Record(_timePerOutputToken, usage.DecodeTime.TotalSeconds / (perContinuation - 1), tags);
        }
    }

    /// <summary>Ends the gauges, and the meter if it is the engine's own.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _counts, null);
        if (!_ownsMeter)
        {
            return;
        }

        try
        {
            _meter.Dispose();
        }
        catch (Exception)
        {
            // A listener's error is not the engine's.
        }
    }

    private static void Add(Counter<long> counter, long count, ReadOnlySpan<KeyValuePair<string, object?>> tags = default)
    {
        if (count == 0 || !counter.Enabled)
        {
            return;
        }

        try
        {
            counter.Add(count, tags);
        }
        catch (Exception)
        {
            // A listener's error is not the engine's.
        }
    }

    private static void Record<T>(Histogram<T> histogram, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        if (!histogram.Enabled)
        {
            return;
        }

        try
        {
            histogram.Record(value, tags);
        }
        catch (Exception)
        {
            // A listener's error is not the engine's.
        }
    }

    private static string NameOf(FinishReason reason) => reason switch
    {
        FinishReason.StopToken or FinishReason.StopString or FinishReason.StopCondition => "stop",
        FinishReason.Length => "length",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Disposed => "disposed",
        FinishReason.Deadline => "deadline",
        FinishReason.Failed => "failed",
        FinishReason.FirstTokenTarget => "first_token_target",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "No such reason is counted."),
    };

    private Histogram<double> Seconds(string name, string description, InstrumentAdvice<double> advice) =>
        _meter.CreateHistogram(name, "s", description, advice: advice);

    /// <summary>One measurement; none when the engine has ended.</summary>
    private IEnumerable<Measurement<T>> Look<T>(Func<EngineCounts, T> read)
        where T : struct =>
        Volatile.Read(ref _counts) is { } counts ? [new Measurement<T>(read(counts()))] : [];

    /// <summary>One measurement for each account that is told of; none when the engine has ended.</summary>
    private IEnumerable<Measurement<T>> LookAtAccounts<T>(Func<AccountStatus, T> read)
        where T : struct =>
        Volatile.Read(ref _counts) is null || _accounts is not { } accounts
            ? []
            : accounts().Select(account =>
                new Measurement<T>(read(account), new KeyValuePair<string, object?>("slora.account", account.Name)));

    private IEnumerable<Measurement<long>> LookAtPages()
    {
        if (Volatile.Read(ref _counts) is not { } counts)
        {
            return [];
        }

        PoolStatus pool = counts().Pool;
        return
        [
            new Measurement<long>(pool.Cache, new KeyValuePair<string, object?>("kind", "kv")),
            new Measurement<long>(pool.Adapters, new KeyValuePair<string, object?>("kind", "adapter")),
            new Measurement<long>(pool.Free, new KeyValuePair<string, object?>("kind", "free")),
        ];
    }
}
