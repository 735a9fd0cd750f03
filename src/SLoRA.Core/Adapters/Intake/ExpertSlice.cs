using SLoRA.Formats;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// One expert's part of the factors of all experts: rows <c>e · r + k</c> of the first tensor and columns <c>k · E + e</c> of the second.
/// </summary>
/// <param name="First">The tensor whose name ends in lora_A, <c>[E · r, …]</c>.</param>
/// <param name="Second">The tensor whose name ends in lora_B, <c>[…, r · E]</c>.</param>
/// <param name="Expert">The expert, e.</param>
/// <param name="Experts">Experts, E.</param>
/// <param name="IsSwapped">Whether the first tensor is on the side of the outputs: its rows are B transposed, and the second's columns
/// are A transposed.</param>
internal sealed record ExpertSlice(TensorEntry First, TensorEntry Second, int Expert, int Experts, bool IsSwapped);
