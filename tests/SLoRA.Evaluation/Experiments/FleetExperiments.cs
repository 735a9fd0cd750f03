using SLoRA.Evaluation.Fleet;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>What data sheets of GPUs let expect: of one of them, and of a fleet.</summary>
/// <param name="runs">Makes the runs.</param>
internal sealed class FleetExperiments(SimulatedExperiments runs)
{
    /// <summary>Adapters of the fleet.</summary>
    public const int Adapters = 100_000;

    /// <summary>Requests per second of the fleet.</summary>
    public const double Rate = 10_000;

    private const double FleetSeconds = 60;
    private const double Utilisation = 0.75;
    private const double HostBytes = 512e9;
    private const int OneReplicaAdapters = 200;

    // Of lengths from 8 to 511.
    private const int MeanTokens = 260;
    private const double TokenVariation = 0.56;

    private static readonly DeviceProfile[] Devices =
        [DeviceProfile.A100, DeviceProfile.H100, DeviceProfile.H200];

    private static readonly Setting Setting = Setting.Find("S2");

    /// <summary>One device: the engine in simulation, a replica of the fleet, and the planner, on the same traffic.</summary>
    public ExperimentResult Hardware()
    {
        (double, string, DeviceProfile)[] all =
            [.. Devices.SelectMany((device, i) => new[] { (2.0 * i, device.Name, device), ((2.0 * i) + 1, device.Name, device) })];
        IReadOnlyList<Point> points = runs.Run(all, run =>
        {
            double capacity = CapacityOf(run.Argument);
            bool isOverloaded = run.X % 2 == 1;
            double rate = (isOverloaded ? 1.5 : 0.6) * capacity;
            Trace trace = new SyntheticTrace { Adapters = OneReplicaAdapters, Rate = rate, Seconds = 60 }.Draw();
            IReadOnlyList<Outcome> engine = Engine(run.Argument, trace);
            double late = trace.Seconds / 2;
            FleetPlan plan = PlanOf(run.Argument, 1);
            RunMetrics replica =
                RunMetrics.Of(FleetSimulation.Run(plan, Routing.All().First(), trace).Outcomes, rate, PaperMachine.Target);
            CapacityPlan planned = Planned(run.Argument, rate);
            var extra = new Dictionary<string, double>
            {
                ["capacity"] = capacity,
                ["rate"] = rate,
                ["poolTokens"] = plan.PoolTokens,
                ["replicaThroughput"] = replica.Throughput,
                ["replicaFirstToken"] = replica.FirstTokenMedian,
                ["plannedThroughput"] = planned.RequestsPerSecond,

                // Neither while the pool fills nor while it drains.
                ["steady"] = engine.Count(outcome => outcome.End >= late && outcome.End < trace.Seconds) / late,
            };
            if (planned.FirstToken is { } first)
            {
                extra.Add("plannedFirstToken", first.TotalSeconds);
            }

            return new Point
            {
                Series = run.Series,
                X = isOverloaded ? 1.5 : 0.6,
                Metrics = RunMetrics.Of(engine, rate, PaperMachine.Target),
                Extra = extra,
            };
        });
        return Result("hardware", "load / capacity", "one device by its data sheet", points);
    }

    /// <summary>The fleet, by how requests are routed.</summary>
    public ExperimentResult Fleet()
    {
        DeviceProfile device = DeviceProfile.H100;
        int replicas = (int)Math.Ceiling(Rate / (Utilisation * CapacityOf(device)));
        (double, string, (Routing, double))[] all =
        [
            .. new[] { 1.0, 0.3 }.SelectMany(alpha => Routing.All().Select(routing => (alpha, routing.Name, (routing, alpha)))),
        ];
        IReadOnlyList<Point> points = runs.Run(all, run =>
        {
            Trace trace = new SyntheticTrace
            {
                Adapters = Adapters,
                Alpha = run.Argument.Item2,
                Rate = Rate,
                Seconds = FleetSeconds,
            }.Draw();
            (IReadOnlyList<Outcome> outcomes, IReadOnlyList<Replica> served) =
                FleetSimulation.Run(PlanOf(device, replicas), run.Argument.Item1, trace);
            double requests = served.Sum(replica => replica.Requests);
            return new Point
            {
                Series = run.Series,
                X = run.X,
                Metrics = RunMetrics.Of(outcomes, Rate, PaperMachine.Target),
                Extra = new Dictionary<string, double>
                {
                    ["replicas"] = replicas,
                    ["poolHits"] = served.Sum(replica => replica.PoolHits) / requests,
                    ["hostHits"] = served.Sum(replica => replica.HostHits) / requests,
                    ["busiest"] = served.Max(replica => replica.Requests) * served.Count / requests,
                },
            };
        });
        return Result(
            "fleet", "α", $"{replicas} × {device.Name}, {Adapters} adapters, {Rate} requests per second for {FleetSeconds} s, "
            + $"{HostBytes / 1e9:F0} GB of main memory each for adapters", points);
    }

    /// <summary>Requests per second of the paper's lengths that a device can answer.</summary>
    private static double CapacityOf(DeviceProfile device)
    {
        FleetPlan plan = PlanOf(device, 1);
        Trace burst = new SyntheticTrace { Adapters = OneReplicaAdapters, Rate = 1000, Seconds = 2 }.Draw();
        return RunMetrics.Of(FleetSimulation.Run(plan, Routing.All().First(), burst).Outcomes, 1000, PaperMachine.Target).Throughput;
    }

    private static IReadOnlyList<Outcome> Engine(DeviceProfile device, Trace trace)
    {
        using var source = new SimulatedEngines(SimulatedMachine.Gpu(Setting.Model, device));
        var setup = new SystemSetup
        {
            Adapters = OneReplicaAdapters,
            Ranks = Setting.Ranks,
            PoolBytes = PoolBytes(device),
            WeightBytes = 2 * Setting.Model.Parameters,
            RowsPerStep = 2048,
            Running = 1000,
        };
        using IServingSystem system = ServingSystems.Create(SystemKind.Unified, setup, source)!;
        return OpenLoop.Run(system, trace, source.Clock);
    }

    private static CapacityPlan Planned(DeviceProfile device, double rate)
    {
        PaperModel model = Setting.Model;
        using var folder = new SparseModelFolder(
            new Shape(model.Name, model.Layers, model.Hidden, model.Intermediate, model.Heads, model.Heads, 128, 32000));
        return CapacityPlanner.Plan(new CapacityQuestion
        {
            Model = folder.ModelPath,
            Device = device,
            Adapters =
            [
                .. Setting.Ranks.Select(rank => new AdapterGroup { Count = OneReplicaAdapters / Setting.Ranks.Count, Rank = rank }),
            ],
            Traffic = new TrafficProfile
            {
                RequestsPerSecond = rate,
                PromptTokens = MeanTokens,
                OutputTokens = MeanTokens,
                OutputVariation = TokenVariation,
            },
            Scheduling = new SchedulingOptions { MaxRowsPerStep = 2048, MaxRunning = 1000 },
        });
    }

    private static long PoolBytes(DeviceProfile device) =>
        (long)(device.MemoryBytes * (1 - device.ReservedShare)) - (2 * Setting.Model.Parameters);

    private static FleetPlan PlanOf(DeviceProfile device, int replicas) => new()
    {
        Replicas = replicas,
        Cost = SimulatedMachine.Gpu(Setting.Model, device).Cost,
        PoolTokens = (int)(PoolBytes(device) / Setting.Model.TokenBytes),
        RankTokens = (int)(Setting.Model.RankBytes / Setting.Model.TokenBytes),
        RankOf = Setting.RankOf,
        RankBytes = Setting.Model.RankBytes,
        LinkBandwidth = device.LinkBandwidth,
        HostBytes = HostBytes,
    };

    private static ExperimentResult Result(string name, string varies, string conditions, IReadOnlyList<Point> points) => new()
    {
        Name = name,
        Varies = varies,
        Conditions = $"{conditions}, {Setting.Name}, lengths [8, 512)",
        Points = points,
    };
}
