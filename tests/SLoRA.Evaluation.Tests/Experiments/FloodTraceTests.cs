using SLoRA.Evaluation.Experiments;
using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Simulation;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Tests.Experiments;

/// <summary>One of eight clients floods a simulated device whose pool is too small for what it asks for.</summary>
internal sealed class FloodTraceTests
{
    private const double Capacity = 1;
    private const double Seconds = 100;

    private static readonly Setting Setting = Setting.Find("S1");

    [Test]
    public void Where_clients_make_way_the_others_hardly_notice_a_flood_and_as_much_gets_done()
    {
        Point alone = Run("first come", floods: false);
        Point first = Run("first come", floods: true);
        Point fair = Run("fair", floods: true);
        Point makingWay = Run(FloodTrace.Preempting, floods: true);

        Assert.Multiple(() =>
        {
            Assert.That(first.Extra["others99"], Is.GreaterThan(20 * alone.Extra["others99"]));
            Assert.That(fair.Extra["others99"], Is.GreaterThan(3 * alone.Extra["others99"]));
            Assert.That(makingWay.Extra["others99"], Is.LessThan(2 * alone.Extra["others99"]));
            Assert.That(makingWay.Metrics!.Throughput, Is.GreaterThan(0.95 * first.Metrics!.Throughput));
        });
    }

    private static Point Run(string order, bool floods)
    {
        Trace trace = FloodTrace.Draw(Capacity, floods, Seconds);
        using var source = new SimulatedEngines(SimulatedMachine.Gpu(Setting.Model, DeviceProfile.A10G));
        var setup = new SystemSetup
        {
            Adapters = trace.Adapters,
            Ranks = Setting.Ranks,
            PoolBytes = 14_500 * Setting.Model.TokenBytes,
            WeightBytes = 2 * Setting.Model.Parameters,
            RowsPerStep = 2048,
            PromptRows = 64,
            Policy = FloodTrace.Orders(14).First(one => one.Name == order).Policy,
        };
        using IServingSystem system = ServingSystems.Create(SystemKind.Unified, setup, source)!;
        return FloodTrace.Evaluate(order, floods ? 1 : 0, trace, OpenLoop.Run(system, trace, source.Clock));
    }
}
