using System.Buffers;
using System.Collections;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>Everything that a host program may hand to an engine and to a request, each call of which the saboteur hears of.</summary>
internal sealed class SabotagedHost(Saboteur saboteur) : ILogger, ILogitsHook, IProgress<LoadProgress>, IAdapterSource, IMeterFactory
{
    private readonly MeterListener _listener = new();
    private Meter? _meter;

    public TimeProvider Clock { get; } = new SabotagedClock(saboteur);

    /// <summary>A request in which everything is the host's own.</summary>
    public GenerationRequest Request => new()
    {
        Prompt = new SabotagedMemory(saboteur, Enumerable.Range(7, 20).ToArray()).Memory,
        Adapters = new SabotagedList<AdapterUse>(saboteur, "adapters", [new AdapterUse("qv"), new AdapterUse("r1", 0.5f)]),
        StopTokens = new SabotagedList<int>(saboteur, "stop tokens", [0]),
        Sampling = new SamplingOptions { LogitBias = new SabotagedBias(saboteur) },
        MaxTokens = 6,
        IgnoreEndOfText = true,
        Continuations = 2,
        LogitsHook = this,
        StopCondition = new FaultyHost(_ => saboteur.Call("stop matcher"), () => saboteur.Call("stop condition")),
        Deadline = TimeSpan.FromHours(1),
    };

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        saboteur.Call("logger asked");
        return true;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) => saboteur.Call("logger");

    public void Apply(LogitsContext context, Span<float> logits) => saboteur.Call("hook");

    public void Report(LoadProgress value) => saboteur.Call("progress");

    public async ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
    {
        await Task.Yield();
        saboteur.Call("source later");
        return AdapterOrigin.FromFolder(SteppedEngine.AdapterFolder(name));
    }

    /// <summary>A source that throws before it has a task.</summary>
    ValueTask<AdapterOrigin?> IAdapterSource.FindAsync(string name, CancellationToken cancellationToken)
    {
        saboteur.Call("source");
        return FindAsync(name, cancellationToken);
    }

    public Meter Create(MeterOptions options)
    {
        saboteur.Call("meter factory");
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, this))
            {
                saboteur.Call("instrument published");
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, _, _, _) => saboteur.Call("measurement"));
        _listener.SetMeasurementEventCallback<long>((_, _, _, _) => saboteur.Call("measurement"));
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) => saboteur.Call("measurement"));
        _listener.Start();
        options.Scope = this;
        return _meter = new Meter(options);
    }

    public void Dispose()
    {
        _meter?.Dispose();
        _listener.Dispose();
    }

    private sealed class SabotagedClock(Saboteur saboteur) : TimeProvider
    {
        public override long GetTimestamp()
        {
            saboteur.Call("clock");
            return System.GetTimestamp();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            saboteur.Call("timer");
            return new SabotagedTimer(saboteur, System.CreateTimer(callback, state, dueTime, period));
        }
    }

    private sealed class SabotagedTimer(Saboteur saboteur, ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

        public void Dispose()
        {
            inner.Dispose();
            saboteur.Call("timer disposed");
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class SabotagedMemory(Saboteur saboteur, int[] values) : MemoryManager<int>
    {
        public override Memory<int> Memory => CreateMemory(values.Length);

        public override Span<int> GetSpan()
        {
            saboteur.Call("prompt");
            return values;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class SabotagedList<T>(Saboteur saboteur, string name, T[] items) : IReadOnlyList<T>
    {
        public int Count
        {
            get
            {
                saboteur.Call(name);
                return items.Length;
            }
        }

        public T this[int index]
        {
            get
            {
                saboteur.Call(name);
                return items[index];
            }
        }

        public IEnumerator<T> GetEnumerator()
        {
            foreach (T item in items)
            {
                saboteur.Call(name);
                yield return item;
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class SabotagedBias(Saboteur saboteur) : IReadOnlyDictionary<int, float>
    {
        private readonly Dictionary<int, float> _values = new() { [5] = 0.5f, [6] = -0.5f };

        public IEnumerable<int> Keys => Said(_values.Keys);

        public IEnumerable<float> Values => Said(_values.Values);

        public int Count => Said(_values.Count);

        public float this[int key] => Said(_values[key]);

        public bool ContainsKey(int key) => Said(_values.ContainsKey(key));

        public bool TryGetValue(int key, out float value) => Said(_values.TryGetValue(key, out value));

        public IEnumerator<KeyValuePair<int, float>> GetEnumerator()
        {
            foreach (KeyValuePair<int, float> pair in _values)
            {
                yield return Said(pair);
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        private T Said<T>(T value)
        {
            saboteur.Call("logit bias");
            return value;
        }
    }
}

/// <summary>Listens to all spans of the process, and tells the saboteur of those that begin in the flow of its test.</summary>
internal sealed class SabotagedSpans : IDisposable
{
    private static readonly AsyncLocal<Saboteur?> Current = new();
    private readonly ActivityListener _listener;

    public SabotagedSpans(Saboteur saboteur)
    {
        Current.Value = saboteur;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is MetricsOptions.ActivitySourceName or MetricsOptions.StepActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) =>
                Heard("span sampled") ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStarted = _ => Heard("span started"),
            ActivityStopped = _ => Heard("span stopped"),
        };
        ActivitySource.AddActivityListener(_listener);

        bool Heard(string callback)
        {
            if (!ReferenceEquals(Current.Value, saboteur))
            {
                return false;
            }

            saboteur.Call(callback);
            return true;
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Current.Value = null;
    }
}
