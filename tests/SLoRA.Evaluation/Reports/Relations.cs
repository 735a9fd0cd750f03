using SLoRA.Evaluation.Experiments;

namespace SLoRA.Evaluation.Reports;

/// <summary>What the papers claim, each as a relation of numbers, beside ours.</summary>
/// <param name="results">The results.</param>
internal sealed class Relations(ResultFolder results)
{
    private readonly MarkdownTable _table = new("relation", "where", "papers", "here", "reproduced");

    /// <summary>All of them, as far as there are results.</summary>
    public string Table()
    {
        foreach (PaperSuite suite in PaperSuite.All)
        {
            if (results.Load($"adapters-{suite.Name}") is { } adapters)
            {
                Adapters(suite, adapters);
            }
        }

        Systems();
        Merging("merging-even", "simulated A10G S2, α 1", "merging 1.12 at n = 1, 0.80 at 2, 0.52 at 5");
        Merging("merging-skewed", "simulated A10G S2, α 0.1", "1.12, 0.96, 0.67");
        Merging("crossover", "measured", "1.11, 0.94, 0.65 (mean of all)");
        Bursts("bursts-a10g-s2", "0.86 > 0.79 > 0.27");
        Bursts("bursts-a100-80-s4", "0.72 > 0.70 > 0.10");
        Clusters("clusters-s2", "d = 8, by 0.17");
        Clusters("clusters-s4", "d = 4, by 0.23");
        Fairness();
        foreach ((string name, string where) in new[] { ("flood", "simulated"), ("flood-measured", "measured") })
        {
            Flood(name, where, "fair");
            Flood(name, where, "fair, with a quota");
            Flood(name, where, FloodTrace.OverCommitted);
            Flood(name, where, FloodTrace.Preempting);
        }

        return _table.ToString();
    }

    private void Adapters(PaperSuite suite, ExperimentResult result)
    {
        int most = suite.Adapters[^1];
        double? flatness = Ratio(result.Throughput("Unified", most), result.Throughput("Unified", 1));
        Add($"throughput at n = {most} / n = 1 is at least 0.8", suite.Name, MarkdownTable.Number(PaperFlatness(suite.Name)), flatness,
            flatness >= 0.8);
        Order($"unified > no unified memory > padded batch, n = {most}", suite.Name, PaperOrder(suite.Name),
            result.Throughput("Unified", most), result.Throughput("Regions", most), result.Throughput("Padded", most));
    }

    private void Systems()
    {
        if (results.Load("systems") is { } measured)
        {
            Order("unified > no unified memory > padded batch, n = 20", "measured", "1.68 > 1.45 > 0.26 (A10G)",
                measured.Throughput("Unified", 20), measured.Throughput("Regions", 20), measured.Throughput("Padded", 20));
        }
    }

    private void Merging(string name, string where, string paper)
    {
        if (results.Load(name) is { } result)
        {
            double?[] ratios =
                [.. new[] { 1.0, 2, 5 }.Select(n => Ratio(result.Throughput("OneMerged", n), result.Throughput("Unified", n)))];
            _table.Add(
                "merging wins at n = 1 and loses at n = 5 (merged / on the fly)", where, paper,
                string.Join(", ", ratios.Select(MarkdownTable.Number)), Verdict(ratios[0] >= 1 && ratios[2] < 1));
        }
    }

    private void Bursts(string name, string paper)
    {
        if (results.Load(name) is { } result)
        {
            double? Attained(string order) => result.Find(order, 1)?.Metrics?.Attainment;
            double? abort = new[] { Attained("early abort"), Attained("early abort, last come") }.Max();
            Order("attainment: early abort > last come > first come, cv 1", name, paper, abort, Attained("last come"),
                Attained("first come"));
        }
    }

    private void Clusters(string name, string paper)
    {
        if (results.Load(name) is { } result)
        {
            Point best = result.Points.Where(point => point.Series == "α 1").MaxBy(point => point.Metrics!.Attainment)!;
            double? gain = best.Metrics!.Attainment - result.Find("α 1", 32)?.Metrics?.Attainment;
            _table.Add(
                "few adapters at once beat all 32 (attainment, α 1)", name, paper,
                $"d = {best.X}, by {MarkdownTable.Number(gain)}", Verdict(best.X < 32 && gain > 0.02));
        }
    }

    private void Fairness()
    {
        if (results.Load("fairness") is { } result)
        {
            Point[] fair = [.. result.Points.Where(point => point.Series == "fair")];
            double worst = fair.Max(point => point.Extra["gap"] / point.Extra["bound"]);
            double throughput =
                fair.Min(point => point.Metrics!.Throughput / result.Throughput("first come", point.X)!.Value);
            _table.Add(
                "the gap of backlogged clients keeps its bound", "five VTC workloads, simulated", "gap ≤ bound",
                $"at most {MarkdownTable.Percent(worst)} of it", Verdict(worst <= 1));
            _table.Add(
                "fairness costs no throughput", "the same", "777 → 779 tokens/s", $"at least {MarkdownTable.Percent(throughput)}",
                Verdict(throughput >= 0.97));
        }
    }

    private void Flood(string name, string where, string order)
    {
        if (results.Load(name) is { } result)
        {
            double alone = result.Find("first come", 0)!.Extra["others99"];
            if (result.Find(order, 1) is not { } flooded)
            {
                return;
            }

            double ratio = flooded.Extra["others99"] / alone;
            double? throughput = Ratio(result.Throughput(order, 1), result.Throughput("first come", 1));
            _table.Add(
                "one client floods at ten times its share: the others' p99 at most 1.5 × what it was, at 97 % of the throughput",
                $"{where}, {order}", "–", $"{MarkdownTable.Number(ratio)} ×, {MarkdownTable.Percent(throughput)}",
                Verdict(ratio <= 1.5 && throughput >= 0.97));
        }
    }

    private void Order(string relation, string where, string paper, params double?[] values) => _table.Add(
        relation, where, paper, string.Join(" > ", values.Select(MarkdownTable.Number)),
        Verdict(values[0] > values[1] && values[1] > values[2]));

    private void Add(string relation, string where, string paper, double? value, bool holds) =>
        _table.Add(relation, where, paper, MarkdownTable.Number(value), Verdict(holds));

    private double? PaperFlatness(string suite) =>
        results.LoadFigures("paper")[$"adapters-{suite}"]["Unified"] is { } line ? line.Values.Last() / line.Values.First() : null;

    private string PaperOrder(string suite) => string.Join(
        " > ", new[] { "Unified", "Regions", "Padded" }.Select(
            series => MarkdownTable.Number(results.LoadFigures("paper")[$"adapters-{suite}"][series].Values.Last())));

    private static double? Ratio(double? a, double? b) => a / b;

    private static string Verdict(bool holds) => holds ? "yes" : "no";
}
