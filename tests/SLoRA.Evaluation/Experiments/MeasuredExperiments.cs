using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>Systems and policies compared in real runs on this machine's processor.</summary>
/// <param name="machine">The machine.</param>
/// <param name="folder">Where results are: what it can answer is known from an earlier <see cref="Validation"/>, or measured.</param>
internal sealed class MeasuredExperiments(MeasuredMachine machine, ResultFolder folder)
{
    // Half of what the pool has room for.
    private const int FloodRunning = 14;

    // A fourth of the longest prompts: what clients with a queue may lengthen a step by.
    private const int FloodPromptRows = 32;

    // Of S1, as in simulation.
    private static readonly int[] FloodRanks = [8];

    private double? _capacity;

    /// <summary>Systems in little memory, twenty adapters of all ranks, twice what can be answered.</summary>
    public ExperimentResult Systems() => Compare(
        "systems", [20],
        [SystemKind.Unified, SystemKind.Padded, SystemKind.Regions, SystemKind.Slots, SystemKind.OneAtATime],
        machine.Setup(20, MeasuredMachine.AllRanks).PoolBytes);

    /// <summary>Merging beside computing on the fly, in memory for five copies of the weights.</summary>
    public ExperimentResult Crossover() => Compare(
        "crossover", [1, 2, 5],
        [SystemKind.Unified, SystemKind.OneMerged, SystemKind.OneAtATime, SystemKind.MergedCopies], 5 * machine.WeightBytes);

    /// <summary>One client of eight floods.</summary>
    public ExperimentResult Flood()
    {
        double capacity = Capacity();
        List<Point> points = [];
        foreach (bool floods in new[] { false, true })
        {
            Trace trace = FloodTrace.Draw(capacity, floods, 2 * machine.Seconds).Shorter(MeasuredMachine.Shorter);
            foreach ((string name, SchedulingPolicy policy) in FloodTrace.Orders(FloodRunning))
            {
                SystemSetup setup = machine.Setup(trace.Adapters, FloodRanks) with
                {
                    Policy = policy,
                    OverCommit = name == FloodTrace.OverCommitted,
                    PromptRows = FloodPromptRows,
                };
                MeasuredRun run = machine.Run(SystemKind.Unified, setup, trace, $"flood {floods}, {name}")!;
                Point point = FloodTrace.Evaluate(name, floods ? 1 : 0, trace, run.Outcomes);
                machine.Say(FormattableString.Invariant(
                    $"  others' first token p50 {point.Extra["others50"]:F3} s, p99 {point.Extra["others99"]:F3} s; ")
                    + FormattableString.Invariant($"{point.Metrics!.Throughput:F2} req/s"));
                points.Add(point);
            }
        }

        return machine.Result("flood-measured", FloodTrace.Varies, points);
    }

    /// <summary>Whether every system gives the answers that ours gives, with nothing rounded.</summary>
    public ExperimentResult Answers()
    {
        const int adapters = 4;
        Trace trace = new SyntheticTrace { Adapters = adapters, Rate = 8, Seconds = 3 }.Draw().Shorter(16);
        SystemSetup setup = machine.Setup(adapters, MeasuredMachine.AllRanks) with { PoolBytes = 8 * machine.WeightBytes };
        MeasuredRun? ours = null;
        List<Point> points = [];
        foreach (SystemKind kind in Enum.GetValues<SystemKind>())
        {
            machine.Say($"answers of {kind}");
            MeasuredRun run = MeasuredRun.Make(kind, setup, trace, machine.Shape, machine.Threads, exact: true)!;
            ours ??= run;
            points.Add(new Point
            {
                Series = kind.ToString(),
                X = adapters,
                Extra = new Dictionary<string, double> { ["equal"] = run.ShareEqual(ours), ["requests"] = trace.Requests.Count },
            });
        }

        return machine.Result("answers", "adapters", points) with
        {
            Conditions = $"{machine.Shape.Name}, weights, adapters, keys and values fp32, greedy",
        };
    }

    private ExperimentResult Compare(string name, int[] counts, SystemKind[] kinds, long poolBytes)
    {
        double rate = 2 * Capacity();
        List<Point> points = [];
        foreach (int adapters in counts)
        {
            Trace trace = machine.Draw(new SyntheticTrace { Adapters = adapters, Rate = rate });
            MeasuredRun? ours = null;
            foreach (SystemKind kind in kinds)
            {
                SystemSetup setup = machine.Setup(adapters, MeasuredMachine.AllRanks) with { PoolBytes = poolBytes };
                MeasuredRun? run = machine.Run(kind, setup, trace, $"{kind}, {adapters} adapters");
                ours ??= run;
                points.Add(new Point
                {
                    Series = kind.ToString(),
                    X = adapters,
                    Metrics = run is null ? null : RunMetrics.Of(run.Outcomes, rate, PaperMachine.Target),
                    Extra = run is null ? [] : new Dictionary<string, double> { ["equal"] = run.ShareEqual(ours!) },
                });
            }
        }

        return machine.Result(name, "adapters", points);
    }

    /// <summary>Requests per second that can be answered.</summary>
    private double Capacity()
    {
        if (_capacity is null && Calibration.Of(folder.Load(Validation.Name)) is { } earlier)
        {
            _capacity = earlier.Capacity;
        }

        if (_capacity is null)
        {
            using var probe = new SpeedProbe(machine);
            _capacity = Calibration.Measure(machine, probe, out _).Capacity;
        }

        return _capacity.Value;
    }
}
