using SLoRA.Planning;

namespace SLoRA.Evaluation.Costs;

/// <summary>A step that a machine has made.</summary>
/// <param name="Load">What was in it; nothing for one that only copied.</param>
/// <param name="PageInBytes">Bytes of adapters that were copied into pages before it.</param>
/// <param name="Seconds">How long it took, with everything around the compute.</param>
internal readonly record struct MeasuredStep(StepLoad Load, long PageInBytes, double Seconds);
