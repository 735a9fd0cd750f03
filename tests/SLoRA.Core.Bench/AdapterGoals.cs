using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>What distinct adapters of rank 16 on all linear modules may cost a step of 16 decode rows.</summary>
internal static class AdapterGoals
{
    private const int Rank = 16;
    private const int Context = 160;

    /// <summary>
    /// Measures. With weights of two bytes the goal is a ratio; with fewer, what all bytes of the step / those without adapters say is
    /// possible, and a tenth.
    /// </summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="time">How long.</param>
    /// <param name="limits">The machine.</param>
    /// <param name="read">Measures what memory gives now, in bytes per second.</param>
    public static IReadOnlyList<Goal> Measure(
        Shape shape, BaseWeights weights, int threads, TimeSpan time, MachineLimits limits, Func<double> read)
    {
        const double WantedRatio = 1.2, Slack = 1.1;
        const int Rows = StepModel.Sequences;
        double before = read();
        AdapterCost cost = AdapterCost.Measure(shape, weights, threads, Context, Rank, time);
        limits = limits with { Bytes = Math.Max(before, read()) };
        var work = new CountedWork(shape, weights);
        double without = work.Seconds(limits, Rows, Rows, Rows, Context, []);
        double bytes = work.Bytes(Rows, Rows, Context, []);
        double wanted = weights.IsQuantized ? Slack * (bytes + cost.Bytes) / bytes : WantedRatio;

        // What hides behind the computation of the base takes no time of its own; nothing counts as faster than memory.
        double speed = Math.Min(limits.Bytes, cost.Bytes / Math.Max(cost.With - cost.Without, 1e-9));
        double share = speed / limits.Bytes;
        return
        [
            new Goal(
                $"{shape.Name} {weights.Name}, step of {Rows} rows, {Rows} adapters / none", "ms", cost.With * 1e3, cost.Without * 1e3,
                cost.Ratio, string.Create(CultureInfo.InvariantCulture, $"≤ {wanted:F2}"), without * 1e3, without / cost.Without,
                cost.Ratio <= wanted),
            new Goal(
                $"{shape.Name} {weights.Name}, the adapters' bytes in that difference", "GB/s", speed / 1e9, null, share,
                "≥ 75 % of bandwidth", limits.Bytes / 1e9, share, share >= Goal.EnoughShare),
        ];
    }
}
