using SLoRA.Step;

namespace SLoRA.Backends;

/// <summary>A recurrence with its constants on a device.</summary>
/// <param name="Shape">What it computes.</param>
/// <param name="Rate">How fast states decay <c>[H]</c>, positive.</param>
/// <param name="Bias">What is added to steps <c>[H]</c>.</param>
/// <param name="Skip">What values are multiplied by that are added to the result <c>[H]</c>; null for nothing.</param>
internal sealed record LoadedRecurrence(Recurrence Shape, DeviceVector Rate, DeviceVector Bias, DeviceVector? Skip);
