using SLoRA.Planning;

namespace SLoRA;

/// <summary>
/// A device as its data sheet describes it, and how much of that a decoder gets: what <see cref="CapacityPlanner"/> reckons with. All times
/// follow from it by the roofline: what a step reads by the bandwidth, what it multiplies by the arithmetic. Measure your own device to
/// know better.
/// </summary>
public sealed record DeviceProfile
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes of memory that weights, pool and working memory share. Positive.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes per second from that memory. Positive.</summary>
    public required double MemoryBandwidth { get; init; }

    /// <summary>Operations per second of dense products in the type of the weights, a multiply-add being two. Positive.</summary>
    public required double FloatOperations { get; init; }

    /// <summary>Bytes per second from main memory to the device's; that of main memory itself for a processor. Positive.</summary>
    public required double LinkBandwidth { get; init; }

    /// <summary>The share of <see cref="MemoryBandwidth"/> that steps get; above 0 and at most 1. The default is 0.6.</summary>
    public double BandwidthEfficiency { get; init; } = 0.6;

    /// <summary>The share of <see cref="FloatOperations"/> that steps get; above 0 and at most 1. The default is 0.4.</summary>
    public double ComputeEfficiency { get; init; } = 0.4;

    /// <summary>Seconds that a step takes beside what it reads and multiplies. The default is 2 ms.</summary>
    public double StepOverhead { get; init; } = 2e-3;

    /// <summary>
    /// The share of <see cref="MemoryBytes"/> that is neither weights nor pool: activations, logits, the driver's own. At least 0 and at
    /// most 0.99; the default is 0.1.
    /// </summary>
    public double ReservedShare { get; init; } = 0.1;

    /// <summary>NVIDIA A10G: 24 GB, 600 GB/s, 70 TFLOPS of 16 bits, PCIe 4.</summary>
    public static DeviceProfile A10G { get; } = Gpu("A10G 24 GB", 24e9, 600e9, 70e12, 25e9);

    /// <summary>NVIDIA A100 with 40 GB: 1.56 TB/s, 312 TFLOPS, PCIe 4.</summary>
    public static DeviceProfile A100Of40 { get; } = Gpu("A100 40 GB", 40e9, 1555e9, 312e12, 25e9);

    /// <summary>NVIDIA A100 with 80 GB: 2.04 TB/s, 312 TFLOPS, PCIe 4.</summary>
    public static DeviceProfile A100 { get; } = Gpu("A100 80 GB", 80e9, 2039e9, 312e12, 25e9);

    /// <summary>NVIDIA H100 SXM: 80 GB, 3.35 TB/s, 989 TFLOPS, PCIe 5.</summary>
    public static DeviceProfile H100 { get; } = Gpu("H100 80 GB", 80e9, 3350e9, 989e12, 50e9);

    /// <summary>NVIDIA H200: 141 GB, 4.8 TB/s, 989 TFLOPS, PCIe 5.</summary>
    public static DeviceProfile H200 { get; } = Gpu("H200 141 GB", 141e9, 4800e9, 989e12, 50e9);

    /// <summary>What steps of a decoder cost.</summary>
    /// <param name="weightBytes">Bytes of the weights that a step reads.</param>
    /// <param name="rowOperations">Operations of a row with them.</param>
    /// <param name="tokenBytes">Bytes of keys and values of a token.</param>
    /// <param name="rankBytes">Bytes of one rank of an adapter.</param>
    internal StepCost CostOf(long weightBytes, double rowOperations, double tokenBytes, double rankBytes)
    {
        double bandwidth = MemoryBandwidth * BandwidthEfficiency;
        double operations = FloatOperations * ComputeEfficiency;
        return new StepCost
        {
            Step = StepOverhead + (weightBytes / bandwidth),
            Row = rowOperations / operations,
            Context = tokenBytes / bandwidth,
            RankRow = rankBytes / bandwidth,

            // Two bytes and two operations per element.
            RankWork = rankBytes / operations,
            PageInByte = 1 / LinkBandwidth,
        };
    }

    private static DeviceProfile Gpu(string name, double memory, double bandwidth, double operations, double link) => new()
    {
        Name = name,
        MemoryBytes = (long)memory,
        MemoryBandwidth = bandwidth,
        FloatOperations = operations,
        LinkBandwidth = link,
    };
}
