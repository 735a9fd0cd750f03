namespace SLoRA;

/// <summary>How the Cpu backend keeps the base model's matrices.</summary>
public enum CpuWeights
{
    /// <summary>F32, F16 or BF16, as the checkpoint has them.</summary>
    AsStored,

    /// <summary>
    /// 8-bit integers, quantized when the model is loaded, with an fp32 scale per output and 64 inputs: about half the memory of 16-bit
    /// weights, and products about one and a half times as fast. Activations are rounded to 16 bits for these products; adapters read them
    /// as they are.
    /// </summary>
    Int8,
}
