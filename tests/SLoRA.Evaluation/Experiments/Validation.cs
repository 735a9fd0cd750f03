using System.Globalization;
using SLoRA.Evaluation.Costs;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>
/// Real runs beside what the fitted cost of steps predicts of them. The cost is fitted to other runs; of those that are predicted the
/// prediction knows the requests, and how fast the machine was just before and after.
/// </summary>
/// <param name="machine">The machine.</param>
/// <param name="folder">Where results are.</param>
internal sealed class Validation(MeasuredMachine machine, ResultFolder folder)
{
    /// <summary>The name of the result.</summary>
    public const string Name = "validation";

    /// <summary>Light loads have few requests: they are measured for so many times as long.</summary>
    private const double Longer = 2.5;

    /// <summary>Every setting is run so many times, and that run counts around which the machine's speed changed least.</summary>
    private const int Times = 3;

    private const int Measured = 0;
    private const int Predicted = 1;

    private static readonly IReadOnlyList<int> All = MeasuredMachine.AllRanks;

    /// <summary>Settings whose runs are predicted: none of them was fitted to.</summary>
    private static readonly Case[] Cases =
    [
        new("base", [8], 0, 1, 1, 0.5),
        new("S1, 20 adapters", [8], 20, 1, 1, 0.5),
        new("S2, 20 adapters", All, 20, 1, 1, 0.5),
        new("S2, 20 adapters, overload", All, 20, 1, 1, 2),
        new("S4, 12 adapters, overload", [64, 32, 16], 12, 1, 1, 2),
        new("S2, 20 adapters, α 0.3, overload", All, 20, 0.3, 1, 2),
        new("S2, 20 adapters, cv 4, overload", All, 20, 1, 4, 2),
        new("S1, 40 adapters, overload", [8], 40, 1, 1, 2),
    ];

    private string StepsFile => Path.Combine(folder.Path, "calibration.csv");

    /// <summary>Measures the cost of steps and the runs, and predicts these.</summary>
    public ExperimentResult Measure()
    {
        using var probe = new SpeedProbe(machine);
        Calibration calibration = Calibration.Measure(machine, probe, out IReadOnlyList<MeasuredStep> steps);
        StepRecord.Write(StepsFile, steps);
        List<Point> measured = [];
        foreach (Case setting in Cases)
        {
            double rate = setting.Load * calibration.Capacity;
            double seconds = (setting.Load < 1 ? Longer : 1) * machine.Seconds;
            MeasuredRun? steadiest = null;
            (double Change, double Probe) least = (double.PositiveInfinity, 0);
            double before = probe.Take();
            for (int i = 0; i < Times; i++)
            {
                MeasuredRun run = machine.Run(
                    SystemKind.Unified, machine.Setup(setting.Adapters, setting.Ranks), Draw(setting, rate, seconds), setting.Name)!;
                double after = probe.Take();
                double change = Math.Abs(Math.Log(after / before));
                if (change < least.Change)
                {
                    (steadiest, least) = (run, (change, (before + after) / 2));
                }

                before = after;
            }

            measured.Add(new Point
            {
                Series = setting.Name,
                X = Measured,
                Metrics = RunMetrics.Of(steadiest!.Outcomes, rate, PaperMachine.Target),
                Extra = new Dictionary<string, double> { ["rate"] = rate, ["seconds"] = seconds, ["probe"] = least.Probe },
            });
        }

        return Predict(machine.Result(Name, "0: measured, 1: predicted", [.. measured, calibration.AsPoint()]));
    }

    /// <summary>Fits the cost to the steps that were measured, and predicts the runs that were measured, without measuring again.</summary>
    /// <returns>Null when nothing has been measured.</returns>
    public ExperimentResult? PredictAgain()
    {
        if (!File.Exists(StepsFile) || folder.Load(Name) is not { } result || Calibration.Of(result) is not { } earlier)
        {
            return null;
        }

        Calibration calibration = earlier with { Cost = StepFit.Of([.. StepRecord.Read(StepsFile)]) };
        machine.Say($"  {calibration.Cost}");
        return Predict(result with
        {
            Points = [.. result.Points.Where(point => point.Metrics is not null && point.X == Measured), calibration.AsPoint()],
        });
    }

    private ExperimentResult Predict(ExperimentResult result)
    {
        Calibration calibration = Calibration.Of(result)!;
        List<Point> points = [];
        foreach (Case setting in Cases)
        {
            Point measured = result.Find(setting.Name, Measured)!;
            double rate = measured.Extra["rate"];
            double slower = measured.Extra["probe"] / calibration.Probe;
            RunMetrics predicted = MeasuredRun.Simulate(
                SystemKind.Unified, machine.Setup(setting.Adapters, setting.Ranks), Draw(setting, rate, measured.Extra["seconds"]),
                SimulatedMachine.Measured(machine.Shape, StepFit.Times(calibration.Cost, slower), calibration.MergeSeconds), rate,
                PaperMachine.Target);
            points.Add(measured);
            points.Add(new Point { Series = setting.Name, X = Predicted, Metrics = predicted });
            RunMetrics metrics = measured.Metrics!;
            machine.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"  {setting.Name} (machine × {slower:F2}): {metrics.Throughput:F2} → {predicted.Throughput:F2} req/s, first token p50 "
                + $"{metrics.FirstTokenMedian:F3} → {predicted.FirstTokenMedian:F3} s, p90 "
                + $"{metrics.FirstToken90:F3} → {predicted.FirstToken90:F3} s"));
        }

        return result with { Points = [.. points, calibration.AsPoint()] };
    }

    private Trace Draw(Case setting, double rate, double seconds) =>
        (machine with { Seconds = seconds }).Draw(new SyntheticTrace
        {
            Adapters = setting.Adapters,
            Rate = rate,
            Alpha = setting.Alpha,
            Variation = setting.Variation,
        });

    private sealed record Case(
        string Name, IReadOnlyList<int> Ranks, int Adapters, double Alpha, double Variation, double Load);
}
