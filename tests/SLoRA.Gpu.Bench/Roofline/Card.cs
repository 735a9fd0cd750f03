namespace SLoRA.Gpu.Bench.Roofline;

/// <summary>What a card can do, from its maker's data sheets, and what these do not give, assumed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Multiprocessors">Multiprocessors.</param>
/// <param name="Hertz">Cycles a second.</param>
/// <param name="BytesPerSecond">Of its memory.</param>
/// <param name="CacheBytesPerSecond">From the cache that all multiprocessors share. Assumed.</param>
/// <param name="TensorFma">
/// Multiply-adds of bfloat16 with fp32 sums that a multiprocessor does in a cycle through <c>mma.sync</c>. For Hopper assumed: five eighths
/// of the peak, which only <c>wgmma</c> reaches.
/// </param>
/// <param name="PeakFma">The same at the peak of the data sheet.</param>
/// <param name="SharedBytes">Shared memory of a multiprocessor.</param>
/// <param name="Threads">Threads that a multiprocessor holds.</param>
internal sealed record Card(
    string Name, int Multiprocessors, double Hertz, double BytesPerSecond, double CacheBytesPerSecond, int TensorFma, int PeakFma,
    int SharedBytes, int Threads)
{
    /// <summary>Registers of a multiprocessor.</summary>
    public const int Registers = 65536;

    /// <summary>Warp instructions that a multiprocessor issues in a cycle.</summary>
    public const int Issues = 4;

    /// <summary>From a request to its data, in seconds. Assumed.</summary>
    public const double Latency = 700e-9;

    /// <summary>From one launch to the next in a stream, in seconds. Assumed.</summary>
    public const double Launch = 2e-6;

    /// <summary>The cards of the table.</summary>
    public static IReadOnlyList<Card> All { get; } =
    [
        new("H100", 132, 1.755e9, 3.35e12, 5.5e12, 1280, 2048, 228 << 10, 2048),
        new("H200", 132, 1.755e9, 4.8e12, 5.5e12, 1280, 2048, 228 << 10, 2048),
        new("RTX 4090", 128, 2.52e9, 1.008e12, 5.0e12, 256, 256, 100 << 10, 1536),
    ];
}
