namespace SLoRA;

/// <summary>What an engine computes on, and for the processor how. It does not change while the engine lives.</summary>
public sealed record BackendStatus
{
    /// <summary><c>Cpu</c>, <c>Gpu</c> or <c>Reference</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Bits of the vectors that the Cpu backend computes with: 128, 256 or 512; 0 for other backends.</summary>
    public int VectorBits { get; init; }

    /// <summary>
    /// Whether the Cpu backend rounds <c>a b + c</c> once. Results have the same bits on all machines where it does, and on all where it
    /// does not, but not across the two. False for other backends.
    /// </summary>
    public bool FusedMultiplyAdd { get; init; }

    /// <summary>
    /// The instruction sets in use and, where the processor or the program's compilation leaves some out, what is missing; null for other
    /// backends.
    /// </summary>
    public string? Instructions { get; init; }

    /// <summary>
    /// What the Cpu backend computes with machine code of the library's own, or why with none; null for other backends.
    /// </summary>
    public string? MachineCode { get; init; }

    /// <summary>
    /// The processors that the threads of each shard stay on; null where the system places them. See <see cref="CpuPlacement"/>.
    /// </summary>
    public string? Placement { get; init; }

    /// <summary>
    /// How devices that share the model hand rows to each other, such as <c>peer copies</c>; null where there is one device, and for shards
    /// of the processor, which read each other's memory.
    /// </summary>
    public string? Exchange { get; init; }

    /// <summary>
    /// How many matrices of which stored format the Cpu or the Gpu backend keeps how, <c>"24 Q4_K as stored, 1 IQ2_S as fp32"</c>; null for
    /// the Reference, and where several devices share the model.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>
    /// What became of the image of packed weights; of that of the first shard that could not use its own, where there are several. Null
    /// where none was asked for.
    /// </summary>
    public PackedImageStatus? PackedImage { get; init; }

    /// <summary>The shards that share the model, in their order; empty where there is one device only.</summary>
    public IReadOnlyList<ShardStatus> Shards { get; init; } = [];
}
