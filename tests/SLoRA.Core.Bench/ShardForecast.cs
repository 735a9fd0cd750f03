using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>
/// What the cost model says of a decoder of 70 billion weights on devices that are not here: memory is the limit of its decoding, so a step
/// takes as long as reading the weights, and what is exchanged comes on top.
/// </summary>
internal static class ShardForecast
{
    private const int Layers = 80;
    private const int Hidden = 8192;
    private const int Rank = 64;
    private const int Rows = 16;
    private const double WeightBytes = 140e9;
    private const int StoredBytes = 2;
    private const int ActivationBytes = 4;

    // Outputs of q, k and v, and of gate and up: their ranks are gathered beside these products.
    private const int AttentionOutputs = Hidden + (2 * 1024);
    private const int FeedForwardOutputs = 2 * 28672;

    // Per layer two all-reduces in two halves each. The ranks of o and down go along with them.
    private const int Meetings = 4;

    private static readonly (string Name, double MemoryBandwidth, CollectiveCost Cost)[] Links =
    [
        ("H100, NVLink", 3.35e12, new CollectiveCost(4e-6, 450e9)),
        ("A100, NVLink", 2.0e12, new CollectiveCost(5e-6, 300e9)),
        ("A100, PCIe 4", 2.0e12, new CollectiveCost(12e-6, 25e9)),
    ];

    /// <summary>Prints a line for each link and number of devices.</summary>
    public static void Print()
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  forecast, 70B, {Rows} decode rows of rank {Rank} on all modules (S-LoRA's figure 8: 18 to 30 % for adapters' exchanges)"));
        foreach ((string name, double memory, CollectiveCost cost) in Links)
        {
            foreach (int devices in (int[])[2, 4, 8])
            {
                double share = (double)(devices - 1) / devices;
                double weights = WeightBytes / devices / memory;
                double plain = Layers * ((Meetings * cost.Latency) + (4 * share * Rows * Hidden * ActivationBytes / cost.Bandwidth));
                double gathers = Exposed(AttentionOutputs, 3) + Exposed(FeedForwardOutputs, 2);
                double lora = Layers * (gathers + (2 * (devices - 1) * Rows * Rank * ActivationBytes / cost.Bandwidth));
                double step = weights + plain + lora;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"    {name,-13} {devices} devices: {step * 1e3,6:F2} ms; exchanges {plain / step:P1}, of adapters {lora / step:P1}"));

                // What a gather of ranks takes longer than the product that runs beside it.
                double Exposed(int outputs, int modules) => Math.Max(
                    0,
                    cost.Latency + (modules * share * Rows * Rank * ActivationBytes / cost.Bandwidth)
                        - ((double)Hidden * outputs * StoredBytes / devices / memory));
            }
        }
    }
}
