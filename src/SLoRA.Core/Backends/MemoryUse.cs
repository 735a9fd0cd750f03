using SLoRA.Native;

namespace SLoRA.Backends;

/// <summary>What memory is for, and the option that makes it smaller: what an error about it says.</summary>
/// <param name="Name">What is kept there, as the beginning of a sentence.</param>
/// <param name="Option">The option.</param>
/// <param name="Advice">What to do.</param>
internal sealed record MemoryUse(string Name, string Option, string Advice)
{
    /// <summary>The page pool.</summary>
    public static MemoryUse Pool { get; } = new("The page pool", "Pool.Bytes", "make Pool.Bytes smaller");

    /// <summary>Packed weights.</summary>
    public static MemoryUse Weights { get; } =
        new("A block of weights", "Cpu.Weights", "set Cpu.Weights to Int8, or serve a smaller model");

    /// <summary>Activations and scratch memory.</summary>
    public static MemoryUse Working { get; } = new(
        "Working memory", "Scheduling.MaxRowsPerStep", "make Scheduling.MaxRowsPerStep smaller");

    /// <summary>The error when there can never be so much.</summary>
    public MemoryException TooLarge(long bytes, long limit) => new(
        Option, bytes, $"{Name} takes {bytes} bytes, and this process may use {limit} ({ProcessMemory.LimitedBy}); {Advice}.");

    /// <summary>The error when the system refuses it.</summary>
    public MemoryException Refused(long bytes, Exception reason) => new(
        Option, bytes, $"{Name} takes {bytes} bytes, which the system does not give; {Advice}.", reason);
}
