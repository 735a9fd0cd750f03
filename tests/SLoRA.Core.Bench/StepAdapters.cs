using System.Diagnostics.Metrics;

namespace SLoRA.Core.Bench;

/// <summary>How many distinct adapters the steps of one engine have had, by its own instrument.</summary>
internal sealed class StepAdapters : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private Meter? _meter;
    private long _steps;
    private long _adapters;

    /// <summary>Listens to the meter that it makes.</summary>
    public StepAdapters()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, this) && instrument.Name == "slora.step.adapters")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, adapters, _, _) =>
        {
            Interlocked.Increment(ref _steps);
            Interlocked.Add(ref _adapters, adapters);
        });
        _listener.Start();
    }

    /// <summary>Steps and the sum of their adapters so far.</summary>
    public (long Steps, long Adapters) Counts => (Interlocked.Read(ref _steps), Interlocked.Read(ref _adapters));

    /// <inheritdoc/>
    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        return _meter = new Meter(options);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _meter?.Dispose();
    }
}
