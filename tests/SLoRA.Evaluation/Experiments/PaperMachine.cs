using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Experiments;

/// <summary>
/// Runs columns of the paper in simulation. A data sheet knows nothing of the authors' kernels, so every cost of a column is multiplied by
/// one number: the one by which our system, with one adapter, has the throughput that theirs had. Everything else is predicted.
/// </summary>
internal sealed class PaperMachine
{
    /// <summary>Seconds of the paper's runs.</summary>
    public const double Seconds = 300;

    /// <summary>Seconds that a first token may take.</summary>
    public const double Target = 6;

    private const int Halvings = 9;
    private const double Slowest = 16;

    private readonly PaperSuite _suite;
    private readonly SimulatedMachine _machine;

    private PaperMachine(PaperSuite suite, double factor)
    {
        _suite = suite;
        Factor = factor;
        _machine = Slowed(suite, factor);
    }

    /// <summary>What costs are multiplied by.</summary>
    public double Factor { get; }

    /// <summary>Finds the factor of a column.</summary>
    public static PaperMachine Anchored(PaperSuite suite)
    {
        Trace trace = new SyntheticTrace { Adapters = 1, Rate = suite.Rate, Seconds = Seconds }.Draw();
        double fast = 1 / Slowest;
        double slow = Slowest;
        for (int i = 0; i < Halvings; i++)
        {
            double middle = Math.Sqrt(fast * slow);
            double throughput =
                new PaperMachine(suite, middle).Run(SystemKind.Unified, trace, suite.Rate)!.Throughput;
            (fast, slow) = throughput > suite.Anchor ? (middle, slow) : (fast, middle);
        }

        return new PaperMachine(suite, Math.Sqrt(fast * slow));
    }

    /// <summary>Runs a trace.</summary>
    /// <param name="kind">What serves.</param>
    /// <param name="trace">What is asked.</param>
    /// <param name="rate">Requests per second of the trace.</param>
    /// <param name="policy">Who goes first; null for first come, first served.</param>
    /// <param name="hasTarget">Whether requests ask for their first token within <see cref="Target"/>.</param>
    /// <returns>Null when the memory does not suffice.</returns>
    public RunMetrics? Run(
        SystemKind kind, Trace trace, double rate, SchedulingPolicy? policy = null, bool hasTarget = false) =>
        Outcomes(kind, trace, policy, hasTarget) is { } outcomes ? RunMetrics.Of(outcomes, rate, Target) : null;

    /// <inheritdoc cref="Run"/>
    public IReadOnlyList<Outcome>? Outcomes(
        SystemKind kind, Trace trace, SchedulingPolicy? policy = null, bool hasTarget = false, bool overCommits = false,
        int? promptRows = null)
    {
        using var source = new SimulatedEngines(_machine);
        SystemSetup setup = Setup(trace, policy, hasTarget) with { OverCommit = overCommits, PromptRows = promptRows };
        using IServingSystem? system = ServingSystems.Create(kind, setup, source);
        return system is null ? null : OpenLoop.Run(system, trace, source.Clock);
    }

    private SystemSetup Setup(Trace trace, SchedulingPolicy? policy, bool hasTarget) => new()
    {
        Adapters = trace.Adapters,
        Ranks = _suite.Setting.Ranks,
        PoolBytes = _suite.PoolTokens * _suite.Setting.Model.TokenBytes,
        WeightBytes = 2 * _suite.Setting.Model.Parameters,
        RowsPerStep = 2048,
        Running = 1000,
        Policy = policy ?? new SchedulingPolicy(),
        FirstTokenTarget = hasTarget ? TimeSpan.FromSeconds(Target) : null,
    };

    private static SimulatedMachine Slowed(PaperSuite suite, double factor)
    {
        SimulatedMachine machine = SimulatedMachine.Gpu(suite.Setting.Model, suite.Device);
        StepCost cost = machine.Cost;
        return machine with
        {
            Cost = cost with
            {
                Step = factor * cost.Step,
                Row = factor * cost.Row,
                Context = factor * cost.Context,
                RankRow = factor * cost.RankRow,
                RankWork = factor * cost.RankWork,
            },
        };
    }
}
