using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>An fp32 vector in main memory, padded with zeros to a multiple of 16 elements.</summary>
internal sealed unsafe class CpuVector(int length, float* data, int target = WeightSource.NoTarget) : DeviceVector(length, target)
{
    /// <summary>The heads whose columns it has one element for each of; null if it has none such.</summary>
    public Split? Heads { get; init; }

    /// <summary>The elements, on a cache line.</summary>
    public float* Data { get; } = data;
}
