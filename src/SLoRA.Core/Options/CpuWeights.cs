namespace SLoRA;

/// <summary>How the Cpu backend keeps the base model's matrices.</summary>
public enum CpuWeights
{
    /// <summary>
    /// Exactly what the files say. F32, F16 and BF16 are computed with in fp32, weights that are stored in fewer bits as
    /// <see cref="CpuOptions.Precision"/> says.
    /// </summary>
    AsStored,

    /// <summary>
    /// 8-bit integers, quantized when the model is loaded, with an fp32 scale per output and 64 inputs: about half the memory of 16-bit
    /// weights, and products about one and a half times as fast. What a file stores in 8 bits or fewer stays as it is, where there are
    /// kernels for it. Activations are rounded to 16 bits for these products; adapters read them as they are.
    /// </summary>
    Int8,

    /// <summary>
    /// 4-bit integers, quantized when the model is loaded, with a scale per output and 32 inputs: 4.5 bits per weight. What is added to the
    /// residual stream, and rows of fewer than 1024 inputs, have 5 bits; the head, and keys and values that several query heads read, are
    /// kept as <see cref="Int8"/> keeps them. What a file stores in fewer than 8 bits stays as it is, where there are kernels for it.
    /// Activations are rounded to 16 bits for these products; adapters read them as they are.
    /// </summary>
    Int4,
}
