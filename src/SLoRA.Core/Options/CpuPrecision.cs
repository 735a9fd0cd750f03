namespace SLoRA;

/// <summary>How the Cpu backend computes with weights that are kept in 8 bits or fewer.</summary>
public enum CpuPrecision
{
    /// <summary>
    /// Weights stay in memory as they are stored, and their integers are multiplied by activations that are rounded to 16 bits in groups of
    /// 16, 32 or 64. Formats without such kernels are widened to fp32; <see cref="BackendStatus.Weights"/> says which. Adapters read
    /// activations as they are.
    /// </summary>
    Automatic,

    /// <summary>Weights are widened to fp32 when they are loaded, four bytes each, and activations are fp32.</summary>
    Exact,

    /// <summary>
    /// As <see cref="Automatic"/>, but activations are rounded to 8 bits for these products, in groups of 16, 32 or 64, and so are those of
    /// <see cref="CpuWeights.Int8"/>: up to twice as fast for many rows where the processor multiplies bytes (AVX512_VNNI or AVX-VNNI), at
    /// some tenths of a per cent of perplexity. The bits are the same on every processor; adapters read activations as they are.
    /// </summary>
    Fast,
}
