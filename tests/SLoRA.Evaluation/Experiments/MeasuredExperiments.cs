using System.Diagnostics;
using SLoRA.Backends.Cpu;
using SLoRA.Evaluation.Costs;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Formats;
using SLoRA.Planning;
using Trace = SLoRA.Evaluation.Workloads.Trace;

namespace SLoRA.Evaluation.Experiments;

/// <summary>Real runs on this machine's processor, of a small decoder over lengths that fit it.</summary>
/// <param name="shape">The decoder.</param>
/// <param name="threads">Threads that compute.</param>
/// <param name="seconds">Seconds of arrivals of each run.</param>
/// <param name="earlier">What <see cref="Validate"/> has found before; null when that was not asked.</param>
/// <param name="say">Told what is being done.</param>
internal sealed class MeasuredExperiments(
    Shape shape, int threads, double seconds, ExperimentResult? earlier, Action<string> say)
{
    /// <summary>The paper's lengths are divided by it.</summary>
    public const int Shorter = 4;

    // Room for about as many requests as the paper's smallest pool had, beside ten adapters.
    private const int PoolPages = 420;
    private const int PageTokens = 16;
    private const int CalibrationSeed = 7;

    // Half of what the pool has room for.
    private const int FloodRunning = 14;

    private static readonly int[] AllRanks = [64, 32, 16, 8];

    private Calibration? _calibration;

    /// <summary>Settings whose runs are predicted: none of them was fitted to.</summary>
    private static IReadOnlyList<(string Name, int[] Ranks, int Adapters, double Alpha, double Variation, double Load)> Settings { get; } =
    [
        ("base", [8], 0, 1, 1, 0.5),
        ("S1, 20 adapters", [8], 20, 1, 1, 0.5),
        ("S2, 20 adapters", AllRanks, 20, 1, 1, 0.5),
        ("S2, 20 adapters, overload", AllRanks, 20, 1, 1, 2),
        ("S4, 12 adapters, overload", [64, 32, 16], 12, 1, 1, 2),
        ("S2, 20 adapters, α 0.3, overload", AllRanks, 20, 0.3, 1, 2),
        ("S2, 20 adapters, cv 4, overload", AllRanks, 20, 1, 4, 2),
        ("S1, 40 adapters, overload", [8], 40, 1, 1, 2),
    ];

    /// <summary>Fits the cost of steps, and compares what it predicts with runs that it was not fitted to.</summary>
    public ExperimentResult Validate()
    {
        Calibration calibration = Calibrate();
        SimulatedMachine machine = SimulatedMachine.Measured(shape, calibration.Cost, calibration.MergeSeconds);
        List<Point> points = [];
        foreach ((string name, int[] ranks, int adapters, double alpha, double variation, double load) in Settings)
        {
            double rate = load * calibration.Capacity;
            Trace trace = Draw(adapters, rate, alpha, variation);
            SystemSetup setup = Setup(adapters, ranks);
            RunMetrics measured = RunMetrics.Of(Run(SystemKind.Unified, setup, trace, name)!.Outcomes, rate, PaperMachine.Target);
            RunMetrics predicted =
                MeasuredRun.Simulate(SystemKind.Unified, setup, trace, machine, rate, PaperMachine.Target);
            points.Add(new Point { Series = name, X = 0, Metrics = measured });
            points.Add(new Point { Series = name, X = 1, Metrics = predicted });
            say(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"  {name}: {measured.Throughput:F2} → {predicted.Throughput:F2} req/s, first token p50 "
                + $"{measured.FirstTokenMedian:F3} → {predicted.FirstTokenMedian:F3} s, p90 "
                + $"{measured.FirstToken90:F3} → {predicted.FirstToken90:F3} s"));
        }

        points.Add(calibration.AsPoint());
        return Result("validation", "0: measured, 1: predicted", points);
    }

    /// <summary>Systems in little memory, twenty adapters of all ranks, twice what can be answered.</summary>
    public ExperimentResult Systems() => Compare(
        "systems", [20],
        [SystemKind.Unified, SystemKind.Padded, SystemKind.Regions, SystemKind.Slots, SystemKind.OneAtATime],
        Setup(20, AllRanks).PoolBytes);

    /// <summary>Merging beside computing on the fly, in memory for five copies of the weights.</summary>
    public ExperimentResult Crossover() => Compare(
        "crossover", [1, 2, 5],
        [SystemKind.Unified, SystemKind.OneMerged, SystemKind.OneAtATime, SystemKind.MergedCopies], 5 * WeightBytes);

    /// <summary>One client of eight floods.</summary>
    public ExperimentResult Flood()
    {
        double capacity = Capacity();
        List<Point> points = [];
        foreach (bool floods in new[] { false, true })
        {
            Trace trace = FloodTrace.Draw(capacity, floods, 2 * seconds).Shorter(Shorter);
            foreach ((string name, SchedulingPolicy policy) in FloodTrace.Orders(FloodRunning))
            {
                SystemSetup setup = Setup(trace.Adapters, AllRanks) with
                {
                    Policy = policy,
                    OverCommit = name == FloodTrace.OverCommitted,
                };
                MeasuredRun run = Run(SystemKind.Unified, setup, trace, $"flood {floods}, {name}")!;
                points.Add(FloodTrace.Evaluate(name, floods ? 1 : 0, trace, run.Outcomes));
            }
        }

        return Result("flood-measured", FloodTrace.Varies, points);
    }

    /// <summary>Whether every system gives the answers that ours gives, with nothing rounded.</summary>
    public ExperimentResult Answers()
    {
        const int adapters = 4;
        Trace trace = new SyntheticTrace { Adapters = adapters, Rate = 8, Seconds = 3 }.Draw().Shorter(16);
        SystemSetup setup = Setup(adapters, AllRanks) with { PoolBytes = 8 * WeightBytes };
        MeasuredRun? ours = null;
        List<Point> points = [];
        foreach (SystemKind kind in Enum.GetValues<SystemKind>())
        {
            say($"answers of {kind}");
            MeasuredRun run = MeasuredRun.Make(kind, setup, trace, shape, threads, exact: true)!;
            ours ??= run;
            points.Add(new Point
            {
                Series = kind.ToString(),
                X = adapters,
                Extra = new Dictionary<string, double> { ["equal"] = run.ShareEqual(ours), ["requests"] = trace.Requests.Count },
            });
        }

        return Result("answers", "adapters", points) with
        {
            Conditions = $"{shape.Name}, weights, adapters, keys and values fp32, greedy",
        };
    }

    private long WeightBytes => shape.Products().Sum(
        product => 2L * product.Count * product.Inputs * product.Outputs.Sum());

    private ExperimentResult Compare(string name, int[] counts, SystemKind[] kinds, long poolBytes)
    {
        double rate = 2 * Capacity();
        List<Point> points = [];
        foreach (int adapters in counts)
        {
            Trace trace = Draw(adapters, rate, 1, 1);
            MeasuredRun? ours = null;
            foreach (SystemKind kind in kinds)
            {
                SystemSetup setup = Setup(adapters, AllRanks) with { PoolBytes = poolBytes };
                MeasuredRun? run = Run(kind, setup, trace, $"{kind}, {adapters} adapters");
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

        return Result(name, "adapters", points);
    }

    /// <summary>Requests per second that can be answered, as far as is known.</summary>
    private double Capacity() => _calibration?.Capacity ?? earlier?.Find("cost", 0)?.Extra["capacity"] ?? Calibrate().Capacity;

    /// <summary>
    /// Measures the cost of steps: under overload and under a light load, with adapters of all ranks and with one of them, and without any.
    /// </summary>
    private Calibration Calibrate()
    {
        if (_calibration is not null)
        {
            return _calibration;
        }

        say("calibrating");
        SystemSetup setup = Setup(16, AllRanks);
        Trace burst = new SyntheticTrace { Adapters = 16, Rate = 60 / seconds, Seconds = seconds, Seed = CalibrationSeed }.Draw()
            .Shorter(Shorter).Stretched(0.001);
        MeasuredRun overload = Run(SystemKind.Unified, setup, burst, "calibration, all at once")!;
        double capacity = RunMetrics.Of(overload.Outcomes, 1, PaperMachine.Target).Throughput;
        List<MeasuredStep> steps = [.. overload.Steps];
        foreach ((int adapters, double load) in new[] { (16, 0.4), (1, 1.5), (0, 0.7) })
        {
            Trace trace = new SyntheticTrace
            {
                Adapters = adapters,
                Rate = load * capacity,
                Seconds = seconds,
                Seed = CalibrationSeed,
            }.Draw().Shorter(Shorter);
            steps.AddRange(Run(SystemKind.Unified, setup with { Adapters = adapters }, trace, $"calibration, load {load}")!.Steps);
        }

        StepCost cost = StepFit.Of(steps);
        (double small, double large) = MergeTimes();
        double perRank = Math.Max(0, (large - small) / (64 - 8));
        _calibration = new Calibration(cost, capacity, steps.Count, small - (8 * perRank), perRank);
        say($"  capacity {capacity:F2} req/s, {cost}");
        return _calibration;
    }

    /// <summary>Seconds of merging an adapter of rank 8, and one of 64.</summary>
    private (double Small, double Large) MergeTimes()
    {
        using var source = new RealEngines(shape, TensorType.BF16, threads);
        (ServedEngine engine, Action<int> merge) = source.CreateMerging(Setup(4, AllRanks));
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

    private Trace Draw(int adapters, double rate, double alpha, double variation) => new SyntheticTrace
    {
        Adapters = adapters,
        Rate = rate,
        Alpha = alpha,
        Variation = variation,
        Seconds = seconds,
    }.Draw().Shorter(Shorter);

    private SystemSetup Setup(int adapters, int[] ranks) => new()
    {
        Adapters = adapters,
        Ranks = ranks,
        PoolBytes = PoolPages * (long)PageTokens * 2 * 2 * shape.Layers * shape.KeyValueHeads * shape.HeadDim,
        WeightBytes = WeightBytes,
    };

    private MeasuredRun? Run(SystemKind kind, SystemSetup setup, Trace trace, string what)
    {
        say($"{what}: {trace.Name}, {trace.Requests.Count} requests");
        return MeasuredRun.Make(kind, setup, trace, shape, threads);
    }

    private ExperimentResult Result(string name, string varies, IReadOnlyList<Point> points) => new()
    {
        Name = name,
        Varies = varies,
        Conditions = $"{shape.Name} bf16, {threads} threads, {InstructionSets.Description}; lengths / {Shorter}, {seconds:F0} s",
        Points = points,
    };

    /// <summary>What steps cost on this machine.</summary>
    private sealed record Calibration(StepCost Cost, double Capacity, int Steps, double MergeFixed, double MergeRank)
    {
        public double MergeSeconds(int rank) => MergeFixed + (MergeRank * rank);

        public Point AsPoint() => new()
        {
            Series = "cost",
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
                ["mergeFixed"] = MergeFixed,
                ["mergeRank"] = MergeRank,
                ["capacity"] = Capacity,
                ["steps"] = Steps,
            },
        };
    }
}
