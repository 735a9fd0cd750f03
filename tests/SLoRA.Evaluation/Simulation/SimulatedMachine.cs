using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Simulation;

/// <summary>What is simulated: a decoder on a machine.</summary>
internal sealed record SimulatedMachine
{
    /// <summary>Bytes per second at which the engine's thread hands bytes over to a link.</summary>
    private const double HostBandwidth = 10e9;

    /// <summary>The decoder as the simulated engine sees it.</summary>
    public required Shape Shape { get; init; }

    /// <summary>
    /// Layers of the decoder that is meant, where <see cref="Shape"/> has fewer: keys, values and adapters shrink alike, so that everything
    /// takes the same share of a pool that shrinks too.
    /// </summary>
    public required int Layers { get; init; }

    /// <summary>What steps cost.</summary>
    public required StepCost Cost { get; init; }

    /// <summary>How adapters come into pages; per byte of <see cref="Shape"/>.</summary>
    public required SimulatedLink Link { get; init; }

    /// <summary>Seconds that merging an adapter of a rank into the weights takes.</summary>
    public required Func<int, double> MergeSeconds { get; init; }

    /// <summary>The setup with the bytes of the simulated decoder.</summary>
    public SystemSetup Scaled(SystemSetup setup) => setup with { PoolBytes = setup.PoolBytes * Shape.Layers / Layers };

    /// <summary>A machine whose steps have been measured, in main memory.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="cost">What steps cost.</param>
    /// <param name="mergeSeconds">Seconds of merging a rank.</param>
    public static SimulatedMachine Measured(Shape shape, StepCost cost, Func<int, double> mergeSeconds) => new()
    {
        Shape = shape,
        Layers = shape.Layers,
        Cost = cost,
        Link = new SimulatedLink(cost.PageInByte),
        MergeSeconds = mergeSeconds,
    };

    /// <summary>A model of the paper on a GPU that is known by its data sheet.</summary>
    public static SimulatedMachine Gpu(PaperModel model, DeviceProfile device)
    {
        double attention = 4.0 * 2 * model.Layers * model.Hidden * model.Hidden;
        double bandwidth = device.MemoryBandwidth * device.BandwidthEfficiency;
        return new SimulatedMachine
        {
            // One layer, without the MLP, which neither keeps anything nor has adapters.
            Shape = new Shape(model.Name, 1, model.Hidden, 64, model.Heads, model.Heads, 128, 1024),
            Layers = model.Layers,
            Cost = device.CostOf(2 * model.Parameters, 2.0 * model.Parameters, model.TokenBytes, model.RankBytes),
            Link = new SimulatedLink(model.Layers / HostBandwidth, model.Layers / device.LinkBandwidth),
            MergeSeconds = rank => (2 * attention / bandwidth)
                + (attention * rank / (device.FloatOperations * device.ComputeEfficiency)),
        };
    }
}
