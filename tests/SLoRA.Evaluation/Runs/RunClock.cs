using System.Diagnostics;

namespace SLoRA.Evaluation.Runs;

/// <summary>The time of a run, for its driver and for the engines that it drives.</summary>
internal abstract class RunClock
{
    /// <summary>What engines measure by.</summary>
    public abstract TimeProvider Provider { get; }

    /// <summary>Seconds since the clock was made.</summary>
    public abstract double Seconds { get; }

    /// <summary>Nothing happens before a moment: lets the time pass until then.</summary>
    public abstract void WaitUntil(double seconds);
}

/// <summary>The machine's time.</summary>
internal sealed class RealClock : RunClock
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public override TimeProvider Provider => TimeProvider.System;

    /// <inheritdoc/>
    public override double Seconds => Stopwatch.GetElapsedTime(_start).TotalSeconds;

    /// <inheritdoc/>
    public override void WaitUntil(double seconds)
    {
        double left = seconds - Seconds;
        if (left > 0)
        {
            Thread.Sleep(TimeSpan.FromSeconds(left));
        }
    }
}

/// <summary>A time that passes when somebody says so.</summary>
internal sealed class VirtualClock : RunClock
{
    private const double TicksPerSecond = 1e9;

    private readonly Ticks _provider = new();

    /// <inheritdoc/>
    public override TimeProvider Provider => _provider;

    /// <inheritdoc/>
    public override double Seconds => _provider.Now / TicksPerSecond;

    /// <summary>The same in nanoseconds, without rounding.</summary>
    public long Nanoseconds => _provider.Now;

    /// <summary>Lets seconds pass.</summary>
    public void Advance(double seconds) => _provider.Now += (long)Math.Round(seconds * TicksPerSecond);

    /// <inheritdoc/>
    public override void WaitUntil(double seconds)
    {
        WaitUntil((long)Math.Ceiling(seconds * TicksPerSecond));

        // Whoever compares seconds must see the moment reached, however they were rounded.
        _provider.Now += Seconds < seconds ? 1 : 0;
    }

    /// <summary>Lets the time pass until a moment in nanoseconds.</summary>
    public void WaitUntil(long nanoseconds) => _provider.Now = Math.Max(_provider.Now, nanoseconds);

    private sealed class Ticks : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => (long)TicksPerSecond;

        public override long GetTimestamp() => Now;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(Now / TicksPerSecond);
    }
}
