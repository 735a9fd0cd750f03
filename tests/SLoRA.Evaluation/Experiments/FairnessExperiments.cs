using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>Fairness in simulation: the workloads of the VTC artifact, and one client that floods.</summary>
/// <param name="runs">Makes the runs.</param>
internal sealed class FairnessExperiments(SimulatedExperiments runs)
{
    /// <summary>The orders that are compared.</summary>
    public static IReadOnlyList<(string Name, SchedulingPolicy Policy)> Orders { get; } =
    [
        ("first come", new SchedulingPolicy()),
        ("fair", new SchedulingPolicy { Shares = new FairShares { OutputPrice = ServiceGap.OutputPrice } }),
    ];

    // Half of what the pool has room for.
    private const int FloodRunning = 14;

    // An eighth of the longest prompts: what clients with a queue may lengthen a step by.
    private const int FloodPromptRows = 64;

    private static readonly (string Name, Trace Trace)[] Workloads =
    [
        ("overload", new FairnessTrace { Rates = [1.5, 3], Seconds = 360 }.Uniform()),
        ("eight clients", new FairnessTrace { Rates = [0.4, 0.4, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6], Seconds = 360 }.Uniform()),
        ("on and off", new FairnessTrace { Rates = [2, 3], Seconds = 360, OnOff = 60 }.Uniform()),
        ("increasing", new FairnessTrace { Rates = [1, 2], Seconds = 360 }.Increasing()),
        ("proportional", new FairnessTrace { Rates = [0.25, 0.5, 1.5], Seconds = 360 }.Uniform()),
    ];

    /// <summary>The VTC workloads: the gap in service, and the throughput.</summary>
    public ExperimentResult Fairness()
    {
        PaperSuite suite = PaperSuite.Find("a10g-s1");
        (double, string, (Trace Trace, SchedulingPolicy Policy))[] all =
        [
            .. Workloads.SelectMany((workload, place) => Orders.Select(
                order => ((double)place, order.Name, (workload.Trace, order.Policy)))),
        ];
        IReadOnlyList<Point> points = runs.Run(all, run =>
        {
            IReadOnlyList<Outcome> outcomes =
                runs.Machine(suite).Outcomes(SystemKind.Unified, run.Argument.Trace, run.Argument.Policy)!;
            double bound = 2 * Math.Max(
                run.Argument.Trace.Requests.Max(request => request.Prompt), ServiceGap.OutputPrice * suite.PoolTokens);
            return new Point
            {
                Series = run.Series,
                X = run.X,
                Metrics = RunMetrics.Of(outcomes, run.Argument.Trace.Requests.Count / run.Argument.Trace.Seconds, PaperMachine.Target),
                Extra = new Dictionary<string, double> { ["gap"] = ServiceGap.Of(outcomes), ["bound"] = bound },
            };
        });
        return runs.Result("fairness", string.Join("; ", Workloads.Select((workload, i) => $"{i}: {workload.Name}")), suite, points);
    }

    /// <summary>One of eight clients asks for ten times its share: what the others wait, beside what they wait without it.</summary>
    public ExperimentResult Flood()
    {
        PaperSuite suite = PaperSuite.Find("a10g-s1");
        (double, string, (Trace Trace, SchedulingPolicy Policy))[] all =
        [
            .. new[] { false, true }.SelectMany(floods => FloodTrace.Orders(FloodRunning).Select(order => (
                floods ? 1.0 : 0, order.Name, (FloodTrace.Draw(suite.Anchor, floods, PaperMachine.Seconds), order.Policy)))),
        ];
        IReadOnlyList<Point> points = runs.Run(all, run =>
        {
            IReadOnlyList<Outcome> outcomes =
                runs.Machine(suite).Outcomes(
                    SystemKind.Unified, run.Argument.Trace, run.Argument.Policy,
                    overCommits: run.Series == FloodTrace.OverCommitted, promptRows: FloodPromptRows)!;
            return FloodTrace.Evaluate(run.Series, run.X, run.Argument.Trace, outcomes);
        });
        return runs.Result("flood", FloodTrace.Varies, suite, points);
    }
}
