using System.Globalization;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// What a policy costs: the step loop beside a queue of many clients, first come and under every part of a policy at once, on a device that
/// computes nothing, beside the compute of the same step.
/// </summary>
internal static class PolicyBench
{
    /// <summary>Measures and prints.</summary>
    public static void Run(Shape shape, TensorType type, int rows, int adapters, int waiting, int clients, int threads)
    {
        double compute = OverheadBench.Measure(shape, type, rows, adapters, threads).ComputeSeconds;
        using var folder = new RandomModelFolder(shape, type);
        Timing without = OverheadBench.TimeLoop(shape, type, folder.Path, rows, adapters, waiting);
        Timing with = OverheadBench.TimeLoop(shape, type, folder.Path, rows, adapters, waiting, new BenchPolicy(Everything, clients));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name} {type}, {rows} decode rows, {adapters} adapters, {waiting} waiting of {clients} clients, {threads} threads: "
            + $"loop {without.Median * 1e3:F3} ms first come, {with.Median * 1e3:F3} ms under every part of a policy, "
            + $"{with.AllocatedBytes} bytes allocated per step; compute {compute * 1e3:F2} ms; the policy costs "
            + $"{100 * (with.Median - without.Median) / compute:F2} % (goal: at most 1 %)"));
    }

    /// <summary>All parts, none of which keeps anybody waiting for ever.</summary>
    public static SchedulingPolicy Everything { get; } = new()
    {
        Order = ServiceOrder.ShortestFirst,
        Priorities = true,
        Shares = new FairShares { Slack = 1000, PageInPrice = 10, Preempts = true },
        Locality = new LocalityPreference { RunningAdapters = 8 },
        Quota = new Quota { MaxRunning = 4, RowsPerSecond = 1e6 },
        AbortsLate = true,
    };
}

/// <summary>A policy, and among how many clients requests are divided.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Clients">The clients.</param>
internal sealed record BenchPolicy(SchedulingPolicy Policy, int Clients);
