using ILGPU;
using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>Pairs of bfloat16 numbers in words: one instruction on NVIDIA's devices, fp32 elsewhere.</summary>
internal static class BrainPairs
{
    /// <summary>
    /// Adds two pairs, lower halves and upper halves. The sums have to be bfloat16 numbers: where they are not, roundings differ between
    /// devices.
    /// </summary>
    [IntrinsicImplementation]
    public static uint AddPairs(uint a, uint b) => AddPairsEmulated(a, b);

    /// <summary>The same in fp32, which holds every such sum.</summary>
    public static uint AddPairsEmulated(uint a, uint b)
    {
        float low = Interop.IntAsFloat(a << 16) + Interop.IntAsFloat(b << 16);
        float high = Interop.IntAsFloat(a & 0xFFFF0000u) + Interop.IntAsFloat(b & 0xFFFF0000u);
        return (Interop.FloatAsInt(low) >> 16) | (Interop.FloatAsInt(high) & 0xFFFF0000u);
    }
}
