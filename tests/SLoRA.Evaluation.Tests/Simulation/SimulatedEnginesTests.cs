using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Formats;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Tests.Simulation;

internal sealed class SimulatedEnginesTests
{
    private static readonly StepCost Cost = new() { Step = 0.010, Row = 0.001, Context = 1e-5, Adapter = 0.002, RankRow = 1e-4 };

    private static readonly SystemSetup Setup = new()
    {
        Adapters = 3,
        Ranks = [16, 8, 4],
        PoolBytes = 6L << 20,
        WeightBytes = 1 << 20,
    };

    [Test]
    public void A_request_takes_the_time_that_its_steps_cost()
    {
        Outcome outcome = Run(Machine(new SimulatedLink(0)), new TraceRequest(1, 0, 100, 3)).Single();

        // The prompt in one step: positions 1 to 100. Then two rows, at 101 and 102 positions.
        double prompt = 0.010 + (100 * 0.001) + (5050 * 1e-5) + 0.002 + (16 * 1e-4);
        double decode = (2 * (0.010 + 0.001 + 0.002 + (16 * 1e-4))) + (203 * 1e-5);
        Assert.That(outcome.FirstTokenLatency, Is.EqualTo(prompt).Within(1e-6));
        Assert.That(outcome.Latency, Is.EqualTo(prompt + decode).Within(1e-6));
    }

    [Test]
    public void An_adapter_comes_into_pages_in_the_time_that_its_bytes_take()
    {
        TraceRequest request = new(1, 0, 100, 3);
        double without = Run(Machine(new SimulatedLink(0)), request).Single().Latency!.Value;
        double copied = Run(Machine(new SimulatedLink(1e-6)), request).Single().Latency!.Value;
        double beside = Run(Machine(new SimulatedLink(0, 1e-6)), request).Single().Latency!.Value;

        // Rank 16 on q, k, v and o of two layers, two bytes each: inputs and outputs of 64, 64 and 32.
        double bytes = 2 * 2 * 16 * ((4 * 64) + (2 * 64) + (2 * 32));
        Assert.That(copied - without, Is.EqualTo(1e-6 * bytes).Within(2).Percent);
        Assert.That(beside - without, Is.EqualTo(1e-6 * bytes).Within(2).Percent);
    }

    [Test]
    public void Adapters_have_as_many_pages_as_on_a_real_device()
    {
        using var simulated = new SimulatedEngines(Machine(new SimulatedLink(0)));
        using ServedEngine there = simulated.Create(Setup, null);
        using var real = new RealEngines(SmallShape.Value, TensorType.BF16, 1);
        using ServedEngine here = real.Create(Setup, null);

        Assert.That(there.TotalPages, Is.EqualTo(here.TotalPages));
        Assert.That(
            Enumerable.Range(0, Setup.Adapters).Select(there.PagesOf),
            Is.EqualTo(Enumerable.Range(0, Setup.Adapters).Select(here.PagesOf)));
    }

    [Test]
    public void A_run_is_the_same_every_time()
    {
        TraceRequest[] requests = [.. new SyntheticTrace { Adapters = 3, Rate = 20, Seconds = 3 }.Draw().Shorter(8).Requests];

        Assert.That(
            Run(Machine(new SimulatedLink(1e-8)), requests), Is.EqualTo(Run(Machine(new SimulatedLink(1e-8)), requests)));
    }

    [Test]
    public void Merging_takes_its_time_at_each_change_of_adapter()
    {
        TraceRequest[] requests = [new(0, 0, 4, 1), new(0, 1, 4, 1), new(0, 0, 4, 1)];
        SimulatedMachine machine = Machine(new SimulatedLink(0)) with { MergeSeconds = rank => rank };

        IReadOnlyList<Outcome> outcomes = Run(machine, SystemKind.OneMerged, requests);

        // Adapter 0 has rank 16 and serves its two requests, then adapter 1 has rank 8.
        Assert.That(outcomes.Max(outcome => outcome.End), Is.EqualTo(24).Within(0.1));
    }

    private static SimulatedMachine Machine(SimulatedLink link) => new()
    {
        Shape = SmallShape.Value,
        Layers = 2,
        Cost = Cost,
        Link = link,
        MergeSeconds = _ => 0,
    };

    private static IReadOnlyList<Outcome> Run(SimulatedMachine machine, params TraceRequest[] requests) =>
        Run(machine, SystemKind.Unified, requests);

    private static IReadOnlyList<Outcome> Run(SimulatedMachine machine, SystemKind kind, TraceRequest[] requests)
    {
        using var source = new SimulatedEngines(machine);
        using IServingSystem system = ServingSystems.Create(kind, Setup, source)!;
        return OpenLoop.Run(system, new Trace("test", 1, requests), source.Clock);
    }
}
