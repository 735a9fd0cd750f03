using System.Globalization;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// What requests that wait cost those that run: the step loop without and with a long queue, on a device that computes nothing, beside the
/// compute of the same step. Then all of them are cancelled at once.
/// </summary>
internal static class QueueBench
{
    /// <summary>Measures and prints.</summary>
    public static void Run(Shape shape, TensorType type, int rows, int adapters, int waiting, int threads)
    {
        double compute = OverheadBench.Measure(shape, type, rows, adapters, threads).ComputeSeconds;
        using var folder = new RandomModelFolder(shape, type);
        Timing without = OverheadBench.TimeLoop(shape, type, folder.Path, rows, adapters, 0);
        Timing with = OverheadBench.TimeLoop(shape, type, folder.Path, rows, adapters, waiting);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name} {type}, {rows} decode rows, {adapters} adapters, {threads} threads: loop {without.Median * 1e3:F3} ms alone, "
            + $"{with.Median * 1e3:F3} ms beside "
            + $"{waiting} waiting requests, {with.AllocatedBytes} bytes allocated per step; compute {compute * 1e3:F2} ms; waiting costs "
            + $"{100 * (with.Median - without.Median) / compute:F2} % (goal: at most 2 %); when all are cancelled at once, the longest "
            + $"step takes {with.LongestEnding * 1e3:F1} ms"));
    }
}
