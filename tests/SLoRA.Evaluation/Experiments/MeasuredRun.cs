using SLoRA.Evaluation.Costs;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Formats;

namespace SLoRA.Evaluation.Experiments;

/// <summary>What a run on this machine has given.</summary>
/// <param name="Outcomes">What became of each request.</param>
/// <param name="Answers">The tokens of each.</param>
/// <param name="Steps">The steps; of systems with several engines those of none.</param>
internal sealed record MeasuredRun(
    IReadOnlyList<Outcome> Outcomes, IReadOnlyList<IReadOnlyList<int>> Answers, IReadOnlyList<MeasuredStep> Steps)
{
    /// <summary>Runs a trace on the processor.</summary>
    /// <param name="kind">What serves.</param>
    /// <param name="setup">What it serves with.</param>
    /// <param name="trace">What is asked.</param>
    /// <param name="shape">The decoder.</param>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="exact">Whether everything is fp32, so that merged weights are not rounded.</param>
    /// <returns>Null when the memory does not suffice.</returns>
    public static MeasuredRun? Make(SystemKind kind, SystemSetup setup, Trace trace, Shape shape, int threads, bool exact = false)
    {
        using var source = new RealEngines(
            shape, exact ? TensorType.F32 : TensorType.BF16, threads, exact ? CacheType.Float32 : CacheType.Weights);
        using IServingSystem? system = ServingSystems.Create(kind, setup, source);
        if (system is null)
        {
            return null;
        }

        WarmUp(system, source.Clock, trace.Requests.Count, setup);
        source.Watching!.Take(0);
        List<MeasuredStep> steps = [];
        IReadOnlyList<Outcome> outcomes = OpenLoop.Run(system, trace, source.Clock, seconds =>
        {
            MeasuredStep step = source.Watching.Take(seconds);
            if (kind != SystemKind.MergedCopies && (step.Load.Rows > 0 || step.PageInBytes > 0))
            {
                steps.Add(step);
            }
        });
        return new MeasuredRun(
            outcomes, [.. Enumerable.Range(0, trace.Requests.Count).Select(system.AnswerOf)], steps);
    }

    /// <summary>The same in simulation.</summary>
    public static RunMetrics Simulate(
        SystemKind kind, SystemSetup setup, Trace trace, SimulatedMachine machine, double rate, double target)
    {
        using var source = new SimulatedEngines(machine);
        using IServingSystem system = ServingSystems.Create(kind, setup, source)!;
        WarmUp(system, source.Clock, trace.Requests.Count, setup);
        return RunMetrics.Of(OpenLoop.Run(system, trace, source.Clock), rate, target);
    }

    /// <summary>The share of requests with the answer that they have in another run.</summary>
    public double ShareEqual(MeasuredRun other) => Answers.Count == 0
        ? 1
        : Answers.Zip(other.Answers).Count(pair => pair.First.SequenceEqual(pair.Second)) / (double)Answers.Count;

    /// <summary>Has everything compiled that a run needs: some requests, of different adapters, behind those of the trace.</summary>
    private static void WarmUp(IServingSystem system, RunClock clock, int numbers, SystemSetup setup)
    {
        for (int i = 0; i < 4; i++)
        {
            system.Submit(numbers + i, new TraceRequest(0, setup.Adapters == 0 ? TraceRequest.Base : i % setup.Adapters, 40, 8));
        }

        for (int ended = 0; ended < 4;)
        {
            if (!system.Step())
            {
                clock.WaitUntil(clock.Seconds + system.Patience);
            }

            ended += system.TakeProgress().Count(progress => progress.Ending != Ending.None);
        }
    }
}
