using SLoRA.Evaluation.Fleet;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Tests.Fleet;

internal sealed class FleetSimulationTests
{
    private static readonly StepCost Cost = new() { Step = 0.010, Row = 0.0005, Context = 1e-6, RankRow = 2e-5 };

    [Test]
    public void A_request_takes_the_time_that_its_steps_cost()
    {
        var trace = new Trace("test", 1, [new TraceRequest(1, 0, 100, 3)]);

        Outcome outcome = FleetSimulation.Run(Plan(1), Router("random"), trace).Outcomes.Single();

        double prompt = 0.010 + (100 * 0.0005) + (5050 * 1e-6) + (16 * 2e-5);
        double decode = (2 * (0.010 + 0.0005 + (16 * 2e-5))) + (203 * 1e-6);
        Assert.That(outcome.FirstTokenLatency, Is.EqualTo(prompt).Within(1e-6));
        Assert.That(outcome.Latency, Is.EqualTo(prompt + decode).Within(1e-6));
    }

    [TestCase(4)]
    [TestCase(40)]
    public void A_replica_does_what_the_engine_does(double rate)
    {
        Trace trace = new SyntheticTrace { Adapters = 6, Rate = rate, Seconds = 20 }.Draw().Shorter(4);
        RunMetrics replica = RunMetrics.Of(FleetSimulation.Run(Plan(1), Router("random"), trace).Outcomes, rate, 6);
        RunMetrics engine = RunMetrics.Of(Engine(trace), rate, 6);

        Assert.That(replica.Throughput, Is.EqualTo(engine.Throughput).Within(3).Percent);
        Assert.That(replica.FirstTokenMedian, Is.EqualTo(engine.FirstTokenMedian).Within(10).Percent);
    }

    [Test]
    public void Every_routing_answers_everybody_and_homes_keep_adapters_together()
    {
        Trace trace = new SyntheticTrace { Adapters = 300, Rate = 100, Seconds = 20 }.Draw().Shorter(4);
        Dictionary<string, double> hits = [];
        foreach (Routing routing in Routing.All())
        {
            (IReadOnlyList<Outcome> outcomes, IReadOnlyList<Replica> replicas) = FleetSimulation.Run(Plan(8), routing, trace);

            Assert.That(outcomes.Select(outcome => outcome.End), Is.All.Not.Null);
            Assert.That(replicas.Sum(replica => replica.Requests), Is.EqualTo(trace.Requests.Count));
            Assert.That(replicas.Select(replica => replica.Load), Is.All.Zero);
            hits.Add(routing.Name, replicas.Sum(replica => replica.HostHits) / (double)trace.Requests.Count);
        }

        Assert.That(hits["adapter-affine"], Is.GreaterThan(1.5 * hits["random"]));
    }

    [Test]
    public void The_least_loaded_replica_is_chosen()
    {
        Replica[] replicas = [.. Enumerable.Range(0, 3).Select(_ => new Replica(Plan(3)))];
        replicas[0].Submit(0, new TraceRequest(0, 0, 1, 1), 0);
        replicas[1].Submit(1, new TraceRequest(0, 0, 1, 1), 0);

        Assert.That(Router("least loaded").Choose(0, replicas), Is.EqualTo(2));
    }

    private static Routing Router(string name) => Routing.All().Single(routing => routing.Name == name);

    private static FleetPlan Plan(int replicas) => new()
    {
        Replicas = replicas,
        Cost = Cost,

        // 6 MiB in pages of 16 tokens of 256 bytes; a rank takes 1792 bytes.
        PoolTokens = 24576,
        RankTokens = 7,
        RankOf = adapter => new[] { 16, 8, 4 }[adapter % 3],
        RankBytes = 1792,
        LinkBandwidth = 1e15,
        StorageBandwidth = 1e15,
        StorageLatency = 0,
        HostBytes = 1792 * 9.33 * 60,
        RowsPerStep = 256,
        Running = 128,
    };

    private static IReadOnlyList<Outcome> Engine(Trace trace)
    {
        var machine = new SimulatedMachine
        {
            Shape = SmallShape.Value,
            Layers = 2,
            Cost = Cost,
            Link = new SimulatedLink(0),
            MergeSeconds = _ => 0,
        };
        using var source = new SimulatedEngines(machine);
        var setup = new SystemSetup { Adapters = 6, Ranks = [16, 8, 4], PoolBytes = 6L << 20, WeightBytes = 1 << 20 };
        using IServingSystem system = ServingSystems.Create(SystemKind.Unified, setup, source)!;
        return OpenLoop.Run(system, trace, source.Clock);
    }
}
