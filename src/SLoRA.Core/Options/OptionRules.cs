using System.Globalization;
using System.Numerics;
using SLoRA.Errors;

namespace SLoRA;

/// <summary>
/// Checks the options of an engine before anything is loaded. Every size has a bound, far beyond what serves: a slip of the pen is refused
/// by name and not tried.
/// </summary>
internal static class OptionRules
{
    private const int MaxRows = 65_536;
    private const double MaxWeight = 1_000_000;

    // What an account is given is divided by its weight: below this, counters would become infinite, and their differences no numbers.
    private const double MinWeight = 0.000001;

    /// <summary>Checks the limits.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range.</exception>
    public static void Check(SchedulingOptions options)
    {
        Between(options.MaxRowsPerStep, 1, MaxRows, "Scheduling.MaxRowsPerStep");
        Between(options.MaxPromptRowsPerStep ?? 1, 1, MaxRows, "Scheduling.MaxPromptRowsPerStep");
        Between(options.MaxRunning, 1, MaxRows, "Scheduling.MaxRunning");
        Between(options.MaxWaiting, 1, 1_000_000, "Scheduling.MaxWaiting");
        AtLeast(options.DefaultMaxTokens, 1, "Scheduling.DefaultMaxTokens");
        Between(options.StreamBuffer, 1, 65_536, "Scheduling.StreamBuffer");
        if (options.ConsumerTimeout != Timeout.InfiniteTimeSpan)
        {
            Timer(options.ConsumerTimeout, "Scheduling.ConsumerTimeout");
        }

        AtLeast(options.OverCommitLookahead, 0, "Scheduling.OverCommitLookahead");
        AtLeast(options.SwapBytes, 0, "Scheduling.SwapBytes");
        Defined(options.Preemption, "Scheduling.Preemption");
        Check(options.Policy);
    }

    /// <summary>Checks who goes first.</summary>
    private static void Check(SchedulingPolicy policy)
    {
        if (policy is null)
        {
            throw new InvalidOptionException("Scheduling.Policy", "Scheduling.Policy is null; first come, first served is the default.");
        }

        Defined(policy.Order, "Scheduling.Policy.Order");
        if (policy.Ageing <= TimeSpan.Zero || policy.Ageing > TimeSpan.FromDays(1))
        {
            throw Invalid("Scheduling.Policy.Ageing", policy.Ageing, "positive and at most a day");
        }

        Defined(policy.Key, "Scheduling.Policy.Key");
        AtLeast(policy.Locality?.RunningAdapters ?? 1, 1, "Scheduling.Policy.Locality.RunningAdapters");
        if (policy.Shares is { } shares)
        {
            Check(shares);
        }

        if (policy.Quota is { } quota)
        {
            Check(quota, "Scheduling.Policy.Quota");
        }

        if (policy.Quotas is null)
        {
            throw new InvalidOptionException("Scheduling.Policy.Quotas", "Scheduling.Policy.Quotas is null; it may be empty.");
        }

        foreach ((string name, Quota of) in policy.Quotas)
        {
            string option = $"Scheduling.Policy.Quotas[{Shown.Name(name)}]";
            Check(of ?? throw new InvalidOptionException(option, $"{option} is null; leave it out, or give an empty quota."), option);
        }
    }

    private static void Check(Quota quota, string option)
    {
        if (quota.RowsPerSecond is { } rate && rate is not (> 0 and <= 1e9))
        {
            throw Invalid($"{option}.RowsPerSecond", rate, "above 0 and at most 1000000000");
        }

        if (quota.Burst is { } burst && burst is not (>= 1 and <= 1e12))
        {
            throw Invalid($"{option}.Burst", burst, "at least 1 and at most 1000000000000");
        }

        AtLeast(quota.MaxRunning ?? 1, 1, $"{option}.MaxRunning");
    }

    private static void Check(FairShares shares)
    {
        if (shares.Slack is not (>= 0 and <= 1e9))
        {
            throw Invalid("Scheduling.Policy.Shares.Slack", shares.Slack, "between 0 and 1000000000");
        }

        if (shares.OutputPrice is not (>= 0 and <= 1000))
        {
            throw Invalid("Scheduling.Policy.Shares.OutputPrice", shares.OutputPrice, "between 0 and 1000");
        }

        if (shares.PageInPrice is not (>= 0 and <= MaxWeight))
        {
            throw Invalid("Scheduling.Policy.Shares.PageInPrice", shares.PageInPrice, "between 0 and 1000000");
        }

        if (shares.Weights is null)
        {
            const string Weights = "Scheduling.Policy.Shares.Weights";
            throw new InvalidOptionException(Weights, $"{Weights} is null; it may be empty.");
        }

        foreach ((string name, double weight) in shares.Weights)
        {
            if (weight is not (>= MinWeight and <= MaxWeight))
            {
                throw Invalid($"Scheduling.Policy.Shares.Weights[{Shown.Name(name)}]", weight, "between 0.000001 and 1000000");
            }
        }
    }

    /// <summary>Checks the pool.</summary>
    /// <inheritdoc cref="Check(SchedulingOptions)"/>
    public static void Check(PoolOptions options)
    {
        Between(options.Bytes, 1, 1L << 50, "Pool.Bytes");
        if (options.PageTokens is { } tokens && (tokens is < 1 or > 256 || !BitOperations.IsPow2(tokens)))
        {
            throw Invalid("Pool.PageTokens", tokens, "a power of two from 1 to 256");
        }

        Defined(options.CacheType, "Pool.CacheType");
        Defined(options.AdapterWeights, "Pool.AdapterWeights");
    }

    /// <summary>Checks the adapter cache.</summary>
    /// <inheritdoc cref="Check(SchedulingOptions)"/>
    public static void Check(AdapterCacheOptions options)
    {
        AtLeast(options.HostBytes, 0, "Adapters.HostBytes");
        Between(options.MaxConcurrentLoads, 1, 256, "Adapters.MaxConcurrentLoads");
        Between(options.MaxSourceNames, 1, 10_000_000, "Adapters.MaxSourceNames");
        Between(options.MaxAddedTokens, 0, 1 << 20, "Adapters.MaxAddedTokens");
        Timer(options.LoadTimeout, "Adapters.LoadTimeout");
        Defined(options.ChangedContent, "Adapters.ChangedContent");
        if (options.PageInShare is not (> 0 and <= 1))
        {
            throw Invalid("Adapters.PageInShare", options.PageInShare, "above 0 and at most 1");
        }
    }

    /// <summary>Checks what is measured.</summary>
    /// <inheritdoc cref="Check(SchedulingOptions)"/>
    public static void Check(MetricsOptions options)
    {
        Between(options.MaxAdapterTags, 0, 65_536, "Metrics.MaxAdapterTags");
        Between(options.MaxAccountTags, 0, 65_536, "Metrics.MaxAccountTags");
    }

    /// <summary>Checks the Cpu backend.</summary>
    /// <inheritdoc cref="Check(SchedulingOptions)"/>
    public static void Check(CpuOptions options)
    {
        Between(options.Threads ?? 1, 1, 1024, "Cpu.Threads");
        Defined(options.Weights, "Cpu.Weights");
        Defined(options.Precision, "Cpu.Precision");
        if (options.Precision == CpuPrecision.Exact && options.Weights != CpuWeights.AsStored)
        {
            throw new InvalidOptionException(
                "Cpu.Precision",
                $"Cpu.Precision is Exact, and Cpu.Weights is {options.Weights}, which rounds weights; it must be AsStored.");
        }

        Defined(options.MachineCode, "Cpu.MachineCode");
        Defined(options.Placement, "Cpu.Placement");
        Defined(options.PackedImage, "Cpu.PackedImage");
        if (options.PackedImageFolder is { } folder && (string.IsNullOrWhiteSpace(folder) || folder.Contains('\0')))
        {
            throw Invalid("Cpu.PackedImageFolder", $"'{Shown.Text(folder)}'", "null or the path of a folder");
        }

        if (options.Shards is not (1 or 2 or 4 or 8))
        {
            throw Invalid("Cpu.Shards", options.Shards, "1, 2, 4 or 8");
        }
    }

    /// <summary>Checks the Gpu backend.</summary>
    /// <inheritdoc cref="Check(SchedulingOptions)"/>
    public static void Check(GpuOptions options)
    {
        Defined(options.Driver, "Gpu.Driver");
        AtLeast(options.Device, 0, "Gpu.Device");
        CheckDevices(options);
        Defined(options.Products, "Gpu.Products");
        Defined(options.Exchange, "Gpu.Exchange");
    }

    private static void CheckDevices(GpuOptions options)
    {
        IReadOnlyList<int> devices = options.Devices;
        if (devices.Count == 0)
        {
            return;
        }

        string shown = string.Join(", ", devices);
        if (devices.Count is not (2 or 4 or 8))
        {
            throw Invalid("Gpu.Devices", shown, "2, 4 or 8 devices");
        }

        if (devices.Any(device => device < 0) || devices.Distinct().Count() < devices.Count)
        {
            throw Invalid("Gpu.Devices", shown, "different devices, counted from 0");
        }

        if (options.Device != 0)
        {
            throw Invalid("Gpu.Device", options.Device, "left out where Gpu.Devices names several");
        }
    }

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

    private static void Between(long value, long least, long most, string option)
    {
        if (value < least || value > most)
        {
            throw Invalid(option, value, string.Create(CultureInfo.InvariantCulture, $"between {least} and {most}"));
        }
    }

    private static void Defined<T>(T value, string option)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw Invalid(option, value, string.Join(", ", Enum.GetNames<T>()));
        }
    }

    private static InvalidOptionException Invalid(string option, object value, string range) =>
        new(option, string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be {range}."));
}
