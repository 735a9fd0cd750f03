namespace SLoRA.Core.Bench;

/// <summary>What the machine does at best, all threads together, per second.</summary>
/// <param name="Floats">Operations of fp32 multiply-add.</param>
/// <param name="Integers">Operations of integer multiply-add.</param>
/// <param name="Bytes">Bytes read from memory.</param>
internal sealed record MachineLimits(double Floats, double Integers, double Bytes)
{
    /// <summary>Measures them.</summary>
    public static MachineLimits Measure(int threads)
        => new(Ceilings.MultiplyAdd(threads) * 1e9, Ceilings.Integers(threads) * 1e9, Ceilings.Read(threads) * 1e9);
}
