using System.Runtime.InteropServices;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// What a product of one row with some groups of a panel of packed weights reads, machine code (<see cref="PackedRowProducts"/>) and the
/// kernel in C# alike; eight bytes each, in this order.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PackedRowArguments
{
    /// <summary>The inputs of the first group, in the order of the bytes of quantised rows.</summary>
    public int* X;

    /// <summary>What the row has for each group.</summary>
    public RowGroup* RowGroups;

    /// <summary>The planes of the first group.</summary>
    public byte* Weights;

    /// <summary>Bytes from one group to the next.</summary>
    public nint GroupBytes;

    /// <summary>Groups, at least one.</summary>
    public nint Groups;

    /// <summary>How many bytes ahead of the weights those lie that are asked for, to be in the cache when it is their turn.</summary>
    public nint Fetch;

    /// <summary>The scales of the weights, <c>[groups][16]</c>.</summary>
    public float* Scales;

    /// <summary>16 sums, which the products of the groups are added to.</summary>
    public float* Result;
}
