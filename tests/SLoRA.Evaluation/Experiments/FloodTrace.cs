using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>
/// Eight clients, of which seven ask for half of their share, and the first for half of it too, or for ten times as much.
/// </summary>
internal static class FloodTrace
{
    /// <summary>What varies.</summary>
    public const string Varies = "0: nobody floods, 1: one of eight clients";

    /// <summary>The order whose runs admit requests before there are pages for their whole length.</summary>
    public const string OverCommitted = "fair, over-committed";

    /// <summary>The order under which clients that hold more make way.</summary>
    public const string Preempting = "fair, making way";

    private const int Clients = 8;
    private const double FloodFactor = 10;

    /// <summary>The orders that are compared.</summary>
    /// <param name="running">Sequences that a client may run at once, where that is limited.</param>
    public static IEnumerable<(string Name, SchedulingPolicy Policy)> Orders(int running) =>
    [
        .. FairnessExperiments.Orders,
        ("fair, with a quota", FairnessExperiments.Orders[1].Policy with { Quota = new Quota { MaxRunning = running } }),
        (OverCommitted, FairnessExperiments.Orders[1].Policy),
        (Preempting, Preempts(FairnessExperiments.Orders[1].Policy)),
    ];

    /// <summary>Draws the requests.</summary>
    /// <param name="capacity">Requests per second that can be answered.</param>
    /// <param name="floods">Whether the first client floods.</param>
    /// <param name="seconds">Seconds of arrivals.</param>
    public static Trace Draw(double capacity, bool floods, double seconds)
    {
        double share = capacity / Clients;
        return new FairnessTrace
        {
            Rates = [floods ? FloodFactor * share : share / 2, .. Enumerable.Repeat(share / 2, Clients - 1)],
            Seconds = seconds,
            Shortest = 8,
            Below = 512,
        }.Uniform();
    }

    private static SchedulingPolicy Preempts(SchedulingPolicy policy) =>
        policy with { Shares = policy.Shares! with { Preempts = true } };

    /// <summary>The metrics of a run, and how long the seven others waited.</summary>
    public static Point Evaluate(string series, double x, Trace trace, IReadOnlyList<Outcome> outcomes)
    {
        double[] others =
            [.. outcomes.Where(outcome => outcome.Client != 0).Select(outcome => outcome.FirstTokenLatency!.Value).Order()];
        return new Point
        {
            Series = series,
            X = x,
            Metrics = RunMetrics.Of(outcomes, trace.Requests.Count / trace.Seconds, PaperMachine.Target),
            Extra = new Dictionary<string, double>
            {
                ["others50"] = RunMetrics.Percentile(others, 0.5),
                ["others99"] = RunMetrics.Percentile(others, 0.99),
            },
        };
    }
}
