using ScottPlot;

namespace SLoRA.Core.Bench;

/// <summary>A picture: the operations of steps by their operations per byte and per second, under the machine's roofs.</summary>
internal static class Roofline
{
    private const double Least = 0.25;
    private const double Most = 4096;

    /// <summary>Measures bf16 and int8 weights and writes a picture.</summary>
    public static void Draw(Shape shape, int threads, TimeSpan time, string file)
    {
        MachineLimits limits = MachineLimits.Measure(threads);
        var plot = new Plot();
        Roof(plot, "fp32 multiply-add", limits.Floats, limits.Bytes, Colors.Black);
        Roof(plot, "int8 multiply-add", limits.Integers, limits.Bytes, Colors.Gray);
        foreach ((BaseWeights weights, Color color) in new[] { (BaseWeights.BF16, Colors.Blue), (BaseWeights.Int8, Colors.Red) })
        {
            foreach ((string step, IReadOnlyList<OperatorCall> operators) in OperatorBench.Measure(shape, weights, threads, time))
            {
                OperatorCall[] counted = [.. operators.Where(call => call.Bytes > 0)];
                var points = plot.Add.ScatterPoints(
                    counted.Select(call => Math.Log2(call.Operations / call.Bytes))
                        .ToArray(), counted.Select(call => Math.Log2(call.Operations / call.Seconds / 1e9)).ToArray());
                points.Color = color.WithAlpha(step.Contains("adapters", StringComparison.Ordinal) ? 0.35 : 0.9);
                points.MarkerShape = step.StartsWith("prefill", StringComparison.Ordinal) ? MarkerShape.FilledSquare
                    : step.Contains("16 rows", StringComparison.Ordinal) ? MarkerShape.FilledTriangleUp : MarkerShape.FilledCircle;
                points.LegendText = $"{weights.Name}: {step}";
            }
        }

        plot.Title($"{shape.Name}, {threads} threads");
        plot.XLabel("operations per byte of weights, adapters, keys and values");
        plot.YLabel("10⁹ operations per second");
        Powers(plot.Axes.Bottom);
        Powers(plot.Axes.Left);
        plot.Axes.SetLimitsX(Math.Log2(Least), Math.Log2(Most));
        plot.ShowLegend(Alignment.LowerRight);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        plot.SavePng(file, 1000, 650);
    }

    private static void Roof(Plot plot, string name, double operations, double bytes, Color color)
    {
        double ridge = operations / bytes;
        var line = plot.Add.ScatterLine(
            new[] { Math.Log2(Least), Math.Log2(ridge), Math.Log2(Most) },
            new[] { Math.Log2(Least * bytes / 1e9), Math.Log2(operations / 1e9), Math.Log2(operations / 1e9) });
        line.Color = color;
        line.LegendText = FormattableString.Invariant($"{name}: {operations / 1e9:F0} GOP/s, {bytes / 1e9:F0} GB/s");
    }

    private static void Powers(IAxis axis) => axis.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic
    {
        IntegerTicksOnly = true,
        LabelFormatter = power => Math.Pow(2, power).ToString("G4", System.Globalization.CultureInfo.InvariantCulture),
    };
}
