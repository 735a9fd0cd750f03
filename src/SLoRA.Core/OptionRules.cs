using System.Globalization;
using System.Numerics;

namespace SLoRA;

/// <summary>Checks the options of an engine before anything is loaded.</summary>
internal static class OptionRules
{
    /// <summary>Checks the limits.</summary>
    public static void Check(SchedulingOptions options)
    {
        AtLeast(options.MaxRowsPerStep, 1, "Scheduling.MaxRowsPerStep");
        AtLeast(options.MaxPromptRowsPerStep ?? 1, 1, "Scheduling.MaxPromptRowsPerStep");
        AtLeast(options.MaxRunning, 1, "Scheduling.MaxRunning");
        AtLeast(options.MaxWaiting, 1, "Scheduling.MaxWaiting");
        AtLeast(options.DefaultMaxTokens, 1, "Scheduling.DefaultMaxTokens");
        AtLeast(options.StreamBuffer, 1, "Scheduling.StreamBuffer");
        if (options.ConsumerTimeout != Timeout.InfiniteTimeSpan)
        {
            Timer(options.ConsumerTimeout, "Scheduling.ConsumerTimeout");
        }

        AtLeast(options.OverCommitLookahead, 0, "Scheduling.OverCommitLookahead");
        AtLeast(options.SwapBytes, 0, "Scheduling.SwapBytes");
        if (options.Preemption is not (PreemptionMode.Auto or PreemptionMode.Recompute or PreemptionMode.Swap))
        {
            throw Invalid("Scheduling.Preemption", (long)options.Preemption, "Auto, Recompute or Swap");
        }
    }

    /// <summary>Checks the pool.</summary>
    public static void Check(PoolOptions options)
    {
        AtLeast(options.Bytes, 1, "Pool.Bytes");
        if (options.PageTokens is { } tokens && (tokens is < 1 or > 256 || !BitOperations.IsPow2(tokens)))
        {
            throw Invalid("Pool.PageTokens", tokens, "a power of two from 1 to 256");
        }
    }

    /// <summary>Checks the adapter cache.</summary>
    public static void Check(AdapterCacheOptions options)
    {
        AtLeast(options.HostBytes, 0, "Adapters.HostBytes");
        AtLeast(options.MaxConcurrentLoads, 1, "Adapters.MaxConcurrentLoads");
        AtLeast(options.MaxSourceNames, 1, "Adapters.MaxSourceNames");
        Timer(options.LoadTimeout, "Adapters.LoadTimeout");

        if (options.PageInShare is not (> 0 and <= 1))
        {
            throw Invalid("Adapters.PageInShare", options.PageInShare, "above 0 and at most 1");
        }
    }

    /// <summary>Checks what is measured.</summary>
    public static void Check(MetricsOptions options) => AtLeast(options.MaxAdapterTags, 0, "Metrics.MaxAdapterTags");

    /// <summary>Checks a time that a timer is set to.</summary>
    private static void Timer(TimeSpan time, string option)
    {
        if (time <= TimeSpan.Zero || time.TotalMilliseconds > uint.MaxValue - 1)
        {
            throw Invalid(option, time, "positive and less than 49 days");
        }
    }

    private static void AtLeast(long value, long least, string option)
    {
        if (value < least)
        {
            throw Invalid(option, value, string.Create(CultureInfo.InvariantCulture, $"at least {least}"));
        }
    }

    private static InvalidOptionException Invalid(string option, object value, string range) =>
        new(option, string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be {range}."));
}
