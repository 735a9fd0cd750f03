namespace SLoRA;

/// <summary>How the Cpu backend keeps the base model's matrices.</summary>
public enum CpuWeights
{
    /// <summary>
    /// Exactly what the files say: F32, F16 and BF16 as they are, weights that are stored in fewer bits widened to fp32. Activations are
    /// fp32.
    /// </summary>
    AsStored,

    /// <summary>
    /// 8-bit integers, quantized when the model is loaded, with an fp32 scale per output and 64 inputs (those of a file that has 8-bit
    /// integers in groups of 32 stay as they are): about half the memory of 16-bit weights, and products about one and a half times as
    /// fast. Activations are rounded to 16 bits for these products; adapters read them as they are.
    /// </summary>
    Int8,
}
