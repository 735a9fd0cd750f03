namespace SLoRA.Sampling;

/// <summary>
/// Philox 4×32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): random bits as a function of a key and
/// a counter. There is no state, so a number does not depend on who else draws, or on how often a step was repeated.
/// </summary>
internal static class Philox
{
    private const uint Multiplier0 = 0xD251_1F53, Multiplier1 = 0xCD9E_8D57;
    private const uint Weyl0 = 0x9E37_79B9, Weyl1 = 0xBB67_AE85;
    private const int Rounds = 10;

    /// <summary>128 random bits.</summary>
    /// <param name="key">The seed.</param>
    /// <param name="low">The lower half of the counter.</param>
    /// <param name="high">The upper half of the counter.</param>
    public static (ulong Low, ulong High) Bits(ulong key, ulong low, ulong high)
    {
        uint key0 = (uint)key, key1 = (uint)(key >> 32);
        uint c0 = (uint)low, c1 = (uint)(low >> 32), c2 = (uint)high, c3 = (uint)(high >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0, product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ key0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ key1, (uint)product0);
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return (c0 | ((ulong)c1 << 32), c2 | ((ulong)c3 << 32));
    }

    /// <summary>A number uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public static double Uniform(ulong key, ulong low, ulong high) => (Bits(key, low, high).Low >> 11) * (1.0 / (1UL << 53));
}
