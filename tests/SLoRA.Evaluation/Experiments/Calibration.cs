using System.Diagnostics;
using SLoRA.Evaluation.Costs;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Formats;
using SLoRA.Planning;
using Trace = SLoRA.Evaluation.Workloads.Trace;

namespace SLoRA.Evaluation.Experiments;

/// <summary>What steps cost on this machine.</summary>
/// <param name="Cost">The cost, when the probe takes <paramref name="Probe"/> seconds.</param>
/// <param name="Probe">Seconds of the probe, on average while steps were measured.</param>
/// <param name="Capacity">Requests per second that can be answered.</param>
/// <param name="Steps">Steps that the cost was fitted to.</param>
/// <param name="MergeFixed">Seconds that merging an adapter takes, whatever its rank.</param>
/// <param name="MergeRank">Seconds for each rank.</param>
internal sealed record Calibration(StepCost Cost, double Probe, double Capacity, int Steps, double MergeFixed, double MergeRank)
{
    /// <summary>How it is called among the points of a result.</summary>
    public const string Series = "cost";

    /// <summary>Another seed than that of all runs that are predicted.</summary>
    private const uint Seed = 7;

    private const int Adapters = 16;
    private const int WarmUps = 3;

    private static readonly (int Adapters, double Load)[] Loads = [(Adapters, 0.4), (1, 1.5), (0, 0.7), (Adapters, 1.2)];

    /// <summary>Seconds of merging an adapter.</summary>
    public double MergeSeconds(int rank) => MergeFixed + (MergeRank * rank);

    /// <summary>
    /// Measures the cost of steps: with everybody there at once, and under loads from light to heavy, with adapters of all ranks and with
    /// one of them, and without any. What is measured first is compiled meanwhile, and left out.
    /// </summary>
    /// <param name="machine">The machine.</param>
    /// <param name="probe">Says how fast it is.</param>
    /// <param name="steps">Receives the steps, as long as they would have taken at the average speed of all.</param>
    public static Calibration Measure(MeasuredMachine machine, SpeedProbe probe, out IReadOnlyList<MeasuredStep> steps)
    {
        machine.Say("calibrating");
        SystemSetup setup = machine.Setup(Adapters, MeasuredMachine.AllRanks);
        Trace burst = machine.Draw(new SyntheticTrace { Adapters = Adapters, Rate = 60 / machine.Seconds, Seed = Seed }).Stretched(0.001);
        machine.Run(SystemKind.Unified, setup, burst, "warm-up");
        for (int i = 0; i < WarmUps; i++)
        {
            probe.Take();
        }

        List<(MeasuredRun Run, double Probe)> runs = [];
        Take(setup, burst, "calibration, all at once");
        double capacity = burst.Requests.Count / runs[0].Run.Outcomes.Max(outcome => outcome.End!.Value);
        foreach ((int adapters, double load) in Loads)
        {
            Trace trace = machine.Draw(new SyntheticTrace { Adapters = adapters, Rate = load * capacity, Seed = Seed });
            Take(setup with { Adapters = adapters }, trace, $"calibration, load {load}");
        }

        double average = runs.Average(run => run.Probe);
        steps =
        [
            .. runs.SelectMany(run => run.Run.Steps.Select(step => step with { Seconds = step.Seconds * average / run.Probe })),
        ];
        (double small, double large) = MergeTimes(machine);
        double perRank = Math.Max(0, (large - small) / (64 - 8));
        var calibration =
            new Calibration(StepFit.Of([.. steps]), average, capacity, steps.Count, small - (8 * perRank), perRank);
        machine.Say($"  capacity {capacity:F2} req/s, probe {average:F3} s, {calibration.Cost}");
        return calibration;

        void Take(SystemSetup asked, Trace trace, string what)
        {
            double before = probe.Take();
            MeasuredRun run = machine.Run(SystemKind.Unified, asked, trace, what)!;
            runs.Add((run, (before + probe.Take()) / 2));
        }
    }

    /// <summary>Reads it off a result; null when it has none.</summary>
    public static Calibration? Of(ExperimentResult? result) => result?.Find(Series, 0)?.Extra is not { } cost
        ? null
        : new Calibration(
            new StepCost
            {
                Step = cost["step"],
                Row = cost["row"],
                Output = cost["output"],
                Context = cost["context"],
                Adapter = cost["adapter"],
                RankRow = cost["rankRow"],
                RankWork = cost["rankWork"],
                PageInByte = cost["pageInByte"],
            },
            cost.GetValueOrDefault("probe", 1), cost["capacity"], (int)cost["steps"], cost["mergeFixed"], cost["mergeRank"]);

    /// <summary>Writes it into a result.</summary>
    public Point AsPoint() => new()
    {
        Series = Series,
        X = 0,
        Extra = new Dictionary<string, double>
        {
            ["step"] = Cost.Step,
            ["row"] = Cost.Row,
            ["output"] = Cost.Output,
            ["context"] = Cost.Context,
            ["adapter"] = Cost.Adapter,
            ["rankRow"] = Cost.RankRow,
            ["rankWork"] = Cost.RankWork,
            ["pageInByte"] = Cost.PageInByte,
            ["probe"] = Probe,
            ["mergeFixed"] = MergeFixed,
            ["mergeRank"] = MergeRank,
            ["capacity"] = Capacity,
            ["steps"] = Steps,
        },
    };

    /// <summary>Seconds of merging an adapter of rank 8, and one of 64.</summary>
    private static (double Small, double Large) MergeTimes(MeasuredMachine machine)
    {
        using var source = new RealEngines(machine.Shape, TensorType.BF16, machine.Threads);
        (ServedEngine engine, Action<int> merge) = source.CreateMerging(machine.Setup(4, MeasuredMachine.AllRanks));
        using (engine)
        {
            return (Best(3), Best(0));
        }

        double Best(int adapter) => Enumerable.Range(0, 3).Min(_ =>
        {
            long start = Stopwatch.GetTimestamp();
            merge(adapter);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
    }
}
