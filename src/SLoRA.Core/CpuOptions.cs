namespace SLoRA;

/// <summary>The Cpu backend.</summary>
public sealed class CpuOptions
{
    /// <summary>Threads that compute, the engine's own included. Null takes one per processor that the process may use.</summary>
    public int? Threads { get; set; }
}
