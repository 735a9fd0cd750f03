using System.Globalization;
using SLoRA.Evaluation.Experiments;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Systems;

namespace SLoRA.Evaluation.Reports;

/// <summary>The tables of the page, from the results on disk.</summary>
/// <param name="results">The results.</param>
internal sealed class Tables(ResultFolder results)
{
    /// <summary>The paper's own figures.</summary>
    private readonly Dictionary<string, Dictionary<string, Dictionary<string, double>>> _paper = results.LoadFigures("paper");

    /// <summary>The table of a name; null when its experiment has not been made.</summary>
    public string? Of(string name) => name switch
    {
        "relations" => new Relations(results).Table(),
        "validation" => results.Load(name) is { } validation ? Validation(validation) : null,
        "cost" => results.Load("validation") is { } validation ? Cost(validation) : null,
        "answers" => results.Load(name) is { } answers ? Answers(answers) : null,
        "systems" or "crossover" => results.Load(name) is { } compared ? Compared(compared) : null,
        "fairness" => results.Load(name) is { } fairness ? Fairness(fairness) : null,
        "flood" or "flood-measured" => results.Load(name) is { } flood ? Flood(flood) : null,
        "hardware" => results.Load(name) is { } hardware ? Hardware(hardware) : null,
        "fleet" => results.Load(name) is { } fleet ? Fleet(fleet) : null,
        _ when results.Load(name) is { } sweep =>
            Sweep(sweep, name.StartsWith("bursts", StringComparison.Ordinal) || name.StartsWith("clusters", StringComparison.Ordinal)
                ? metrics => metrics.Attainment
                : metrics => metrics.Throughput),
        _ => null,
    };

    /// <summary>How a series is called on the page.</summary>
    public static string Called(string series) => Enum.TryParse(series, out SystemKind kind)
        ? kind switch
        {
            SystemKind.Unified => "unified",
            SystemKind.Padded => "padded batch",
            SystemKind.Regions => "no unified memory",
            SystemKind.Slots => "slots",
            SystemKind.OneAtATime => "one at a time",
            SystemKind.OneMerged => "one at a time, merged",
            SystemKind.MergedCopies => "merged copies",
            _ => series,
        }
        : series;

    private static string Conditions(ExperimentResult result) =>
        $"{char.ToUpperInvariant(result.Conditions[0])}{result.Conditions[1..]}.\n\n";

    private string Sweep(ExperimentResult result, Func<RunMetrics, double> metric)
    {
        string[] series = [.. result.Points.Select(point => point.Series).Distinct()];
        double[] values = [.. result.Points.Where(point => point.Metrics is not null).Select(point => point.X).Distinct().Order()];
        var table = new MarkdownTable([result.Varies, .. series.Select(Called)]);
        foreach (double x in values)
        {
            table.Add([
                x.ToString(CultureInfo.InvariantCulture),
                .. series.Select(line => MarkdownTable.Beside(
                    result.Find(line, x)?.Metrics is { } metrics ? metric(metrics) : null, Paper(result.Name, line, x))),
            ]);
        }

        return Conditions(result) + table;
    }

    private double? Paper(string table, string series, double x) =>
        _paper.GetValueOrDefault(table)?.GetValueOrDefault(series) is { } line
        && line.TryGetValue(x.ToString(CultureInfo.InvariantCulture), out double figure)
            ? figure
            : null;

    private static string Validation(ExperimentResult result)
    {
        var table = new MarkdownTable(
            "setting", "× machine", "requests/s measured", "predicted", "error", "first token p50, s", "predicted", "error", "p90, s",
            "predicted", "error");
        double? probe = Calibration.Of(result)?.Probe;
        foreach (string setting in result.Points.Where(point => point.Metrics is not null).Select(point => point.Series).Distinct())
        {
            Point run = result.Find(setting, 0)!;
            RunMetrics measured = run.Metrics!;
            RunMetrics predicted = result.Find(setting, 1)!.Metrics!;
            table.Add([
                setting, MarkdownTable.Number(run.Extra["probe"] / probe),
                .. Compare(measured.Throughput, predicted.Throughput),
                .. Compare(measured.FirstTokenMedian, predicted.FirstTokenMedian),
                .. Compare(measured.FirstToken90, predicted.FirstToken90),
            ]);
        }

        return Conditions(result) + table + "\n\n![Errors of prediction](evaluation/validation.png)";

        static string[] Compare(double measured, double predicted) =>
            [MarkdownTable.Number(measured), MarkdownTable.Number(predicted), MarkdownTable.Percent((predicted / measured) - 1)];
    }

    private static string Cost(ExperimentResult result)
    {
        Dictionary<string, double> cost = result.Find("cost", 0)!.Extra;
        string Micro(string name) => MarkdownTable.Number(1e6 * cost[name]);
        return new MarkdownTable("cost", "µs")
            .Add("a step", Micro("step"))
            .Add("a row", Micro("row"))
            .Add("a row with logits, beside that", Micro("output"))
            .Add("a position that a row attends to", Micro("context"))
            .Add("an adapter of the step", Micro("adapter"))
            .Add("a rank row of it", Micro("rankRow"))
            .Add("a row × a rank", Micro("rankWork"))
            .Add("a MiB copied into pages", MarkdownTable.Number(1e6 * cost["pageInByte"] * (1 << 20)))
            .Add("merging an adapter of rank 64", MarkdownTable.Number(1e6 * (cost["mergeFixed"] + (64 * cost["mergeRank"]))))
            .ToString();
    }

    private static string Answers(ExperimentResult result)
    {
        var table = new MarkdownTable("system", "requests", "with our answer");
        foreach (Point point in result.Points)
        {
            table.Add(Called(point.Series), MarkdownTable.Number(point.Extra["requests"]), MarkdownTable.Percent(point.Extra["equal"]));
        }

        return table.ToString();
    }

    private static string Compared(ExperimentResult result)
    {
        var table = new MarkdownTable(
            "adapters", "system", "requests/s", "tokens/s", "first token p50, s", "p99, s", "attainment", "same answers");
        foreach (Point point in result.Points)
        {
            table.Add(
                point.X.ToString(CultureInfo.InvariantCulture), Called(point.Series), MarkdownTable.Number(point.Metrics?.Throughput),
                MarkdownTable.Number(point.Metrics?.TokenThroughput), MarkdownTable.Number(point.Metrics?.FirstTokenMedian),
                MarkdownTable.Number(point.Metrics?.FirstToken99), MarkdownTable.Number(point.Metrics?.Attainment),
                point.Metrics is null ? "no memory" : MarkdownTable.Percent(point.Extra["equal"]));
        }

        return Conditions(result) + table;
    }

    private static string Fairness(ExperimentResult result)
    {
        var table = new MarkdownTable("workload", "order", "largest gap of service", "bound", "requests/s", "attainment");
        string[] workloads = result.Varies.Split("; ");
        foreach (Point point in result.Points)
        {
            table.Add(
                workloads[(int)point.X], point.Series, MarkdownTable.Number(point.Extra["gap"]), MarkdownTable.Number(point.Extra["bound"]),
                MarkdownTable.Number(point.Metrics!.Throughput), MarkdownTable.Number(point.Metrics.Attainment));
        }

        return Conditions(result) + table;
    }

    private static string Flood(ExperimentResult result)
    {
        var table = new MarkdownTable("traffic", "order", "others' first token p50, s", "p99, s", "requests/s of all");
        foreach (Point point in result.Points)
        {
            table.Add(
                point.X == 0 ? "nobody floods" : "one floods", point.Series, MarkdownTable.Number(point.Extra["others50"]),
                MarkdownTable.Number(point.Extra["others99"]), MarkdownTable.Number(point.Metrics!.Throughput));
        }

        return Conditions(result) + table;
    }

    private static string Hardware(ExperimentResult result)
    {
        var table = new MarkdownTable(
            "device", "pool, tokens", "load", "offered, requests/s", "engine in simulation", "replica model", "engine, steady", "planner",
            "first token p50, s", "replica model, s", "planner, mean, s");
        foreach (Point point in result.Points)
        {
            table.Add(
                point.Series, MarkdownTable.Number(point.Extra["poolTokens"]), MarkdownTable.Number(point.X),
                MarkdownTable.Number(point.Extra["rate"]), MarkdownTable.Number(point.Metrics!.Throughput),
                MarkdownTable.Number(point.Extra["replicaThroughput"]),
                MarkdownTable.Number(point.Extra["steady"]), MarkdownTable.Number(point.Extra["plannedThroughput"]),
                MarkdownTable.Number(point.Metrics.FirstTokenMedian), MarkdownTable.Number(point.Extra["replicaFirstToken"]),
                point.Extra.TryGetValue("plannedFirstToken", out double planned) ? MarkdownTable.Number(planned) : "saturated");
        }

        return Conditions(result) + table;
    }

    private static string Fleet(ExperimentResult result)
    {
        var table = new MarkdownTable(
            "α", "routing", "requests/s", "first token p50, s", "p99, s", "attainment", "in the pool", "in main memory",
            "busiest / mean replica");
        foreach (Point point in result.Points)
        {
            table.Add(
                MarkdownTable.Number(point.X), point.Series, MarkdownTable.Number(point.Metrics!.Throughput),
                MarkdownTable.Number(point.Metrics.FirstTokenMedian), MarkdownTable.Number(point.Metrics.FirstToken99),
                MarkdownTable.Number(point.Metrics.Attainment), MarkdownTable.Percent(point.Extra["poolHits"]),
                MarkdownTable.Percent(point.Extra["hostHits"]), MarkdownTable.Number(point.Extra["busiest"]));
        }

        return Conditions(result) + table;
    }
}
