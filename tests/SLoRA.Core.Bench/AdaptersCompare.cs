using System.Globalization;
using SLoRA.Core.Bench.Workload;

namespace SLoRA.Core.Bench;

/// <summary>
/// The goals of serving thousands of adapters: runs the points that each needs and prints achieved beside goal, as a table in Markdown.
/// </summary>
/// <param name="basis">The workload that the points vary.</param>
/// <param name="many">Adapters of the largest point.</param>
/// <param name="rounds">How often the points of a ratio are measured in turns; the best of each counts, as a shared machine changes within
/// seconds.</param>
/// <param name="report">Told of every point.</param>
internal sealed class AdaptersCompare(AdaptersWorkload basis, int many, int rounds, Action<string> report)
{
    /// <summary>The rows, by number.</summary>
    public const int Rows = 7;

    /// <summary>Measures and prints.</summary>
    /// <param name="only">Numbers of rows; empty for all.</param>
    /// <param name="plot">Where a picture of the table goes; null for nowhere.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>1 when a goal was missed.</returns>
    public async Task<int> RunAsync(IReadOnlyCollection<int> only, string? plot, CancellationToken cancellation)
    {
        using var folder = new RandomModelFolder(basis.Shape, basis.Weights);
        var rows = new List<GoalRow>();
        for (int number = 1; number <= Rows; number++)
        {
            if (only.Count > 0 && !only.Contains(number))
            {
                continue;
            }

            try
            {
                rows.Add(await RowAsync(number, folder.Path, cancellation));
            }
            catch (InsufficientMemoryException error)
            {
                report($"row {number} is left out: {error.Message}");
            }
        }

        report("");
        report("| figure | achieved | goal | reached | of |");
        report("| --- | --- | --- | --- | --- |");
        foreach (GoalRow row in rows)
        {
            report(row.ToMarkdown());
        }

        if (plot is not null && rows.Count > 0)
        {
            GoalPlot.Save(rows, plot);
        }

        return rows.All(row => row.IsReached) ? 0 : 1;
    }

    private Task<GoalRow> RowAsync(int number, string folder, CancellationToken cancellation) => number switch
    {
        1 => CachedThroughputAsync(folder, cancellation),
        2 => ManyRegisteredAsync(folder, cancellation),
        3 => ManyDistinctAsync(folder, cancellation),
        4 => FirstTokenAsync(folder, cancellation),
        5 => StreamInAsync(folder, cancellation),
        6 => RegisterAsync(cancellation),
        _ => Task.FromResult(Overhead()),
    };

    private async Task<GoalRow> CachedThroughputAsync(string folder, CancellationToken cancellation)
    {
        AdaptersResult[] best =
            await InTurnsAsync(folder, result => -result.OutputTokensPerSecond, cancellation, basis, basis with { Resident = null });
        double cached = best[0].OutputTokensPerSecond;
        double all = best[1].OutputTokensPerSecond;
        return new GoalRow(Text($"throughput with a cache of {basis.Resident} / with all {basis.Registered} resident"), cached / all, 0.97,
            false, "P1", Text($"{cached:F1} / {all:F1} tokens/s"));
    }

    private async Task<GoalRow> ManyRegisteredAsync(string folder, CancellationToken cancellation)
    {
        AdaptersResult[] best = await InTurnsAsync(
            folder, result => -result.OutputTokensPerSecond, cancellation, basis with { Registered = many, HostBytes = 4L << 30 }, basis);
        double figure = best[0].OutputTokensPerSecond;
        double first = best[1].OutputTokensPerSecond;
        return new GoalRow(
            Text($"the same at {many} registered, host store of 4 GiB / the first row's figure"), figure / first, 0.95, false, "P1",
            Text($"{figure:F1} / {first:F1} tokens/s"));
    }

    private async Task<GoalRow> ManyDistinctAsync(string folder, CancellationToken cancellation)
    {
        AdaptersWorkload few = basis with { Registered = 5, Resident = null };
        AdaptersWorkload all = basis with { Resident = null };
        AdaptersResult[] best = await InTurnsAsync(folder, result => -result.OutputTokensPerSecond, cancellation, few, all);
        (AdaptersResult small, AdaptersResult large) = (best[0], best[1]);
        double extraBytes = (large.DistinctAdaptersPerStep * MeanBytes(all)) - (small.DistinctAdaptersPerStep * MeanBytes(few));
        double bandwidth = Ceilings.Read(basis.Threads) * 1e9;
        double limit = small.StepSeconds / (small.StepSeconds + (Math.Max(0, extraBytes) / bandwidth));
        double ratio = large.OutputTokensPerSecond / small.OutputTokensPerSecond;
        return new GoalRow(
            Text($"n = {basis.Registered} / n = 5, of what the bytes of the further adapters of a step allow"), ratio / limit, 0.97,
            false, "P1",
            Text($"{large.OutputTokensPerSecond:F1} / {small.OutputTokensPerSecond:F1} tokens/s = {ratio:F3}; "
                + $"{large.DistinctAdaptersPerStep:F1} and {small.DistinctAdaptersPerStep:F1} adapters a step, {extraBytes / 1e6:F1} MB "
                + $"more at {bandwidth / 1e9:F1} GB/s: {limit:F3}"));
    }

    private async Task<GoalRow> FirstTokenAsync(string folder, CancellationToken cancellation)
    {
        int cache = basis.Resident ?? 32;
        AdaptersWorkload uniform = basis with { Registered = 2 * cache, Resident = cache, Zipf = 0, IsRead = false };
        AdaptersResult[] best = await InTurnsAsync(
            folder, result => result.FirstTokenMedian, cancellation, uniform with { IsRead = true },
            uniform with { Resident = null }, uniform);
        double cached = best[0].FirstTokenMedian;
        double all = best[1].FirstTokenMedian;
        double unread = best[2].FirstTokenMedian;
        return new GoalRow(
            "median first token, working set twice the cache, uniform / all resident", cached / all, 2, true, "F2",
            Text($"{cached:F0} / {all:F0} ms; {unread:F0} ms ({unread / all:F2}) when what is not in the pool has not been read before"));
    }

    private async Task<GoalRow> StreamInAsync(string folder, CancellationToken cancellation)
    {
        StreamInResult result = await StreamInBench.MeasureAsync(basis, folder, cancellation);
        return new GoalRow(
            Text($"other streams' inter-token p99 while {result.Bytes >> 20} MiB of adapters stream in / quiet"),
            result.StreamingP99 / result.QuietP99, 1.15, true, "F2",
            Text($"{result.StreamingP99:F1} / {result.QuietP99:F1} ms, in {result.Seconds:F1} s"));
    }

    private async Task<GoalRow> RegisterAsync(CancellationToken cancellation)
    {
        RegisterResult result = await RegisterBench.MeasureAsync(basis.Shape, many, cancellation);
        return new GoalRow(
            Text($"register {many} adapters from folders, seconds per 10000"), result.Seconds * 10000 / many, 10, true, "F1",
            Text($"{result.Seconds:F1} s; {result.BytesEach:F0} bytes of memory each (goal: at most 4096)"));
    }

    private GoalRow Overhead()
    {
        OverheadResult result = OverheadBench.Measure(basis.Shape, basis.Weights, 64, 16, basis.Threads);
        return new GoalRow("step loop apart from compute, 64 rows", result.Share, 0.02, true, "P2",
            Text($"{result.LoopSeconds * 1e3:F3} / {result.ComputeSeconds * 1e3:F1} ms"));
    }

    /// <summary>Measures points in turns, and keeps of each the result with the least <paramref name="cost"/>.</summary>
    private async Task<AdaptersResult[]> InTurnsAsync(
        string folder, Func<AdaptersResult, double> cost, CancellationToken cancellation, params AdaptersWorkload[] points)
    {
        var best = new AdaptersResult[points.Length];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < points.Length; i++)
            {
                AdaptersResult result = await AdaptersBench.MeasureAsync(points[i], folder, null, cancellation);
                report(result.ToJson());
                if (round == 0 || cost(result) < cost(best[i]))
                {
                    best[i] = result;
                }
            }
        }

        return best;
    }

    /// <summary>Bytes of an adapter that is drawn by the workload's law.</summary>
    private static double MeanBytes(AdaptersWorkload workload)
    {
        var zipf = new Zipf(workload.Registered, workload.Zipf);
        return Enumerable.Range(0, workload.Registered).Sum(i => zipf.Probability(i) * RandomAdapter.BytesOf(workload.Shape, i));
    }

    private static string Text(string text) => text.ToString(CultureInfo.InvariantCulture);
}
