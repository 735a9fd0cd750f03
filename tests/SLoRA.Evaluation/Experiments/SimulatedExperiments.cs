using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>The paper's evaluation in simulation, an experiment per method.</summary>
/// <param name="threads">Runs at the same time.</param>
internal sealed class SimulatedExperiments(int threads)
{
    private const double MergeSeconds = 60;
    private const int ClusteredAdapters = 32;
    private const double ClusteredSeconds = 120;

    private static readonly int[] CopyCounts = [1, 2, 4, 5];
    private readonly Dictionary<string, PaperMachine> _machines = [];

    /// <summary>The orders that bursts are served in.</summary>
    public static IReadOnlyList<(string Name, SchedulingPolicy Policy)> Orders { get; } =
    [
        ("first come", new SchedulingPolicy()),
        ("last come", Patient(new SchedulingPolicy { Order = ServiceOrder.LastCome })),
        ("shortest first", Patient(new SchedulingPolicy { Order = ServiceOrder.ShortestFirst })),
        ("early abort", Patient(new SchedulingPolicy { AbortsLate = true })),
        ("early abort, last come", Patient(new SchedulingPolicy { AbortsLate = true, Order = ServiceOrder.LastCome })),
    ];

    /// <summary>Figure 5: throughput by the number of adapters, a result for each column.</summary>
    public IEnumerable<ExperimentResult> Adapters() => PaperSuite.All.Select(suite => Sweep(
        $"adapters-{suite.Name}", "adapters", suite,
        [
            .. suite.Adapters.SelectMany(count => Kinds(count).Select(kind => ((double)count, kind.ToString(), kind))),
            .. CopyCounts.Where(count => count == 1 || HasRoomForCopies(suite)).SelectMany(
                count => new[] { SystemKind.Unified, SystemKind.MergedCopies }.Where(kind => count > 1 || kind != SystemKind.Unified)
                    .Select(kind => ((double)count, kind.ToString(), kind))),
        ],
        (count, _) => new SyntheticTrace { Adapters = (int)count, Rate = suite.Rate, Seconds = PaperMachine.Seconds }));

    /// <summary>Table 3: up to two thousand adapters, two minutes at ten requests per second.</summary>
    public IEnumerable<ExperimentResult> Thousands() => new[] { "a100-80-s2", "a100-80-s4" }.Select(PaperSuite.Find).Select(
        suite => Sweep(
            $"thousands-{suite.Name}", "adapters", suite,
            [.. new[] { 5, 100, 1000, 2000 }.Select(count => ((double)count, nameof(SystemKind.Unified), SystemKind.Unified))],
            (count, _) => new SyntheticTrace { Adapters = (int)count, Rate = 10, Seconds = 120 }));

    /// <summary>Figure 6: by the rate.</summary>
    public ExperimentResult Rates()
    {
        PaperSuite suite = PaperSuite.Find("a10g-s2");
        SystemKind[] kinds = [SystemKind.Unified, SystemKind.Regions, SystemKind.Slots, SystemKind.Padded];
        return Sweep(
            "rates", "requests per second", suite,
            [.. new[] { 1, 1.5, 2, 2.5 }.SelectMany(rate => kinds.Select(kind => (rate, kind.ToString(), kind)))],
            (rate, _) => new SyntheticTrace { Adapters = 200, Rate = rate, Seconds = PaperMachine.Seconds });
    }

    /// <summary>How unevenly adapters are asked for.</summary>
    public ExperimentResult Skews()
    {
        PaperSuite suite = PaperSuite.Find("a10g-s2");
        SystemKind[] kinds = [SystemKind.Unified, SystemKind.Regions, SystemKind.OneAtATime];
        return Sweep(
            "skews", "α", suite,
            [.. new[] { 0.1, 0.3, 0.6, 1 }.SelectMany(alpha => kinds.Select(kind => (alpha, kind.ToString(), kind)))],
            (alpha, _) => new SyntheticTrace
            {
                Adapters = 200,
                Alpha = alpha,
                Rate = suite.Rate,
                Seconds = PaperMachine.Seconds,
            });
    }

    /// <summary>Figure 10: bursts, by the order of service.</summary>
    public IEnumerable<ExperimentResult> Bursts()
    {
        foreach ((string name, int adapters) in new[] { ("a10g-s2", 200), ("a100-80-s4", 400) })
        {
            PaperSuite suite = PaperSuite.Find(name);
            (double, string, SchedulingPolicy)[] runs =
                [.. new[] { 1.0, 2, 4, 6, 8 }.SelectMany(cv => Orders.Select(order => (cv, order.Name, order.Policy)))];
            yield return Result($"bursts-{name}", "cv", suite, Run(runs, run => Machine(suite).Run(
                SystemKind.Unified,
                new SyntheticTrace { Adapters = adapters, Variation = run.Item1, Rate = suite.Rate, Seconds = PaperMachine.Seconds }.Draw(),
                suite.Rate, run.Item3, hasTarget: true)));
        }
    }

    /// <summary>Figure 9: merging beside computing on the fly.</summary>
    public IEnumerable<ExperimentResult> Merging()
    {
        PaperSuite suite = PaperSuite.Find("a10g-s2");
        foreach (double alpha in new[] { 0.1, 1 })
        {
            yield return Sweep(
                $"merging-{(alpha == 1 ? "even" : "skewed")}", "adapters", suite,
                [
                    .. new[] { 1, 2, 5 }.SelectMany(count => new[] { SystemKind.Unified, SystemKind.OneMerged }.Select(
                        kind => ((double)count, kind.ToString(), kind))),
                ],
                (count, _) => new SyntheticTrace
                {
                    Adapters = (int)count,
                    Alpha = alpha,
                    Rate = suite.Rate,
                    Seconds = MergeSeconds,
                });
        }
    }

    /// <summary>Figures 11 and 12: few adapters at once, by how many; 32 are all there are.</summary>
    public IEnumerable<ExperimentResult> Clusters()
    {
        foreach ((string name, string column) in new[] { ("s2", "a10g-s2"), ("s4", "a100-40-s4") })
        {
            PaperSuite suite = PaperSuite.Find(column);
            (double, string, double)[] runs =
            [
                .. new[] { 0.1, 0.3, 1 }.SelectMany(alpha => new[] { 1.0, 2, 4, 8, ClusteredAdapters }.Select(
                    few => (few, FormattableString.Invariant($"α {alpha}"), alpha))),
            ];
            yield return Result($"clusters-{name}", "d", suite, Run(runs, run => Machine(suite).Run(
                SystemKind.Unified,
                new SyntheticTrace
                {
                    Adapters = ClusteredAdapters,
                    Alpha = run.Item3,
                    Rate = suite.Rate,
                    Seconds = ClusteredSeconds,
                }.Draw(),
                suite.Rate,
                Patient(new SchedulingPolicy { Locality = run.Item1 == ClusteredAdapters ? null : FewAtOnce((int)run.Item1) }))));
        }
    }

    /// <summary>Figure 7: the trace of a chat service.</summary>
    /// <param name="whole">The whole trace.</param>
    public ExperimentResult Real(Trace whole)
    {
        PaperSuite suite = PaperSuite.Find("a10g-s2");
        SystemKind[] kinds = [SystemKind.Unified, SystemKind.Regions, SystemKind.Padded];
        (double, string, SystemKind)[] runs =
            [.. new[] { 1.0, 2, 3, 4 }.SelectMany(rate => kinds.Select(kind => (rate, kind.ToString(), kind)))];
        return Result("real", "requests per second", suite, Run(runs, run => Machine(suite).Run(
            run.Item3, RealTrace.At(whole, run.Item1, PaperMachine.Seconds), run.Item1)));
    }

    /// <summary>The machine of a column; found once.</summary>
    public PaperMachine Machine(PaperSuite suite)
    {
        lock (_machines)
        {
            if (!_machines.TryGetValue(suite.Name, out PaperMachine? machine))
            {
                machine = PaperMachine.Anchored(suite);
                _machines.Add(suite.Name, machine);
            }

            return machine;
        }
    }

    /// <summary>Makes runs, several at a time.</summary>
    public IReadOnlyList<Point> Run<T>(
        IReadOnlyList<(double X, string Series, T Argument)> runs, Func<(double X, string Series, T Argument), RunMetrics?> run) =>
        Run(runs, argument => new Point { Series = argument.Series, X = argument.X, Metrics = run(argument) });

    /// <summary>Makes runs, several at a time.</summary>
    public IReadOnlyList<Point> Run<T>(
        IReadOnlyList<(double X, string Series, T Argument)> runs, Func<(double X, string Series, T Argument), Point> run)
    {
        var points = new Point[runs.Count];
        Parallel.For(0, runs.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => points[i] = run(runs[i]));
        return points;
    }

    /// <summary>A result of simulation.</summary>
    public ExperimentResult Result(string name, string varies, PaperSuite suite, IReadOnlyList<Point> points) => new()
    {
        Name = name,
        Varies = varies,
        Conditions = FormattableString.Invariant(
            $"simulated {suite.Device.Name}, {suite.Setting.Name}, pool of {suite.PoolTokens} tokens, costs × {Machine(suite).Factor:F2}"),
        Points = points,
    };

    private ExperimentResult Sweep(
        string name, string varies, PaperSuite suite, IReadOnlyList<(double X, string Series, SystemKind Kind)> runs,
        Func<double, SystemKind, SyntheticTrace> trace) =>
        Result(name, varies, suite, Run(runs, run =>
        {
            SyntheticTrace asked = trace(run.X, run.Argument);
            return Machine(suite).Run(run.Argument, asked.Draw(), asked.Rate);
        }));

    private static IEnumerable<SystemKind> Kinds(int count) => count is 1 or 20 or 200 or 400
        ? Enum.GetValues<SystemKind>().Where(kind => kind != SystemKind.MergedCopies)
        : [SystemKind.Unified, SystemKind.Regions, SystemKind.Slots, SystemKind.Padded];

    private static bool HasRoomForCopies(PaperSuite suite) =>
        suite.PoolTokens * suite.Setting.Model.TokenBytes > 2 * suite.Setting.Model.Parameters;

    private static LocalityPreference FewAtOnce(int adapters) =>
        new() { RunningAdapters = adapters, ResidentAdapters = false, CachedPrefixes = false };

    /// <summary>As in the paper nobody ages.</summary>
    private static SchedulingPolicy Patient(SchedulingPolicy policy) => policy with { Ageing = TimeSpan.FromDays(1) };
}
