using System.Diagnostics.Metrics;

namespace SLoRA.Core.Tests;

/// <summary>Listens to everything that one engine measures, and allocates nothing doing so.</summary>
internal sealed class CountingListener : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private Meter? _meter;
    private long _measurements;

    public CountingListener()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, this))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, _, _, _) => Interlocked.Increment(ref _measurements));
        _listener.SetMeasurementEventCallback<long>((_, _, _, _) => Interlocked.Increment(ref _measurements));
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref _measurements));
        _listener.Start();
    }

    public long Measurements => Interlocked.Read(ref _measurements);

    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        return _meter = new Meter(options);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter?.Dispose();
    }
}
