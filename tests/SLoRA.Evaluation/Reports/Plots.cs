using ScottPlot;
using ScottPlot.Plottables;
using SLoRA.Evaluation.Experiments;
using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Reports;

/// <summary>The pictures of the page, from the results on disk.</summary>
/// <param name="results">The results; the pictures go beside them.</param>
internal sealed class Plots(ResultFolder results)
{
    private const int Width = 900;
    private const int Height = 420;

    /// <summary>Draws what there are results for.</summary>
    /// <returns>The names of the files.</returns>
    public IReadOnlyList<string> Draw()
    {
        List<string> drawn = [];
        foreach (string name in new[] { "adapters-a10g-s2", "adapters-a100-80-s2" })
        {
            Lines(name, "requests/s", metrics => metrics.Throughput, drawn);
        }

        Lines("bursts-a10g-s2", "attainment", metrics => metrics.Attainment, drawn);
        Lines("crossover", "requests/s", metrics => metrics.Throughput, drawn);
        Validation(drawn);
        return drawn;
    }

    private void Lines(string name, string label, Func<RunMetrics, double> metric, List<string> drawn)
    {
        if (results.Load(name) is not { } result)
        {
            return;
        }

        using var plot = new Plot();
        Dictionary<string, Dictionary<string, double>>? paper = results.LoadFigures("paper").GetValueOrDefault(name);
        foreach (string series in result.Points.Select(point => point.Series).Distinct())
        {
            Point[] points =
                [.. result.Points.Where(point => point.Series == series && point.Metrics is not null).OrderBy(point => point.X)];
            Scatter line = plot.Add.Scatter(
                points.Select(point => point.X).ToArray(), points.Select(point => metric(point.Metrics!)).ToArray());
            line.LegendText = Tables.Called(series);
            if (paper?.GetValueOrDefault(series) is { } figures)
            {
                Scatter theirs = plot.Add.Scatter(
                    figures.Keys.Select(key => double.Parse(key, System.Globalization.CultureInfo.InvariantCulture)).ToArray(),
                    figures.Values.ToArray(), line.Color);
                theirs.LinePattern = LinePattern.Dotted;
                theirs.LegendText = $"{Tables.Called(series)}, paper";
            }
        }

        plot.XLabel(result.Varies);
        plot.YLabel(label);
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top);
        plot.ShowLegend(Edge.Right);
        Save(plot, name, drawn);
    }

    private void Validation(List<string> drawn)
    {
        if (results.Load("validation") is not { } result)
        {
            return;
        }

        string[] settings = [.. result.Points.Where(point => point.Metrics is not null).Select(point => point.Series).Distinct()];
        using var plot = new Plot();
        Add("requests/s", metrics => metrics.Throughput);
        Add("first token p50", metrics => metrics.FirstTokenMedian);
        Add("first token p90", metrics => metrics.FirstToken90);
        plot.Add.HorizontalLine(10, 1, Colors.Gray, LinePattern.Dotted);
        plot.Add.HorizontalLine(-10, 1, Colors.Gray, LinePattern.Dotted);
        plot.Axes.Bottom.SetTicks(
            [.. Enumerable.Range(0, settings.Length).Select(i => (double)i)], [.. settings.Select(setting => setting.Replace(", ", "\n"))]);
        plot.YLabel("predicted / measured − 1, %");
        plot.ShowLegend(Edge.Right);
        Save(plot, "validation", drawn);

        void Add(string name, Func<RunMetrics, double> metric)
        {
            double[] errors =
            [
                .. settings.Select(
                    setting => 100 * ((metric(result.Find(setting, 1)!.Metrics!) / metric(result.Find(setting, 0)!.Metrics!)) - 1)),
            ];
            Scatter points = plot.Add.ScatterPoints([.. Enumerable.Range(0, settings.Length).Select(i => (double)i)], errors);
            points.LegendText = name;
            points.MarkerSize = 9;
        }
    }

    private void Save(Plot plot, string name, List<string> drawn)
    {
        string file = System.IO.Path.Combine(results.Path, name + ".png");
        plot.SavePng(file, Width, Height);
        drawn.Add(file);
    }
}
