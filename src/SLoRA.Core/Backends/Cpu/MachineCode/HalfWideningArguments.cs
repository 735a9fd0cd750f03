using System.Runtime.InteropServices;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>Rows of half precision and where they go as fp32; eight bytes each, in this order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct HalfWideningArguments
{
    /// <summary>The first row.</summary>
    public byte* Source;

    /// <summary>Bytes from one row to the next.</summary>
    public nint SourceStep;

    /// <summary>Where the first row goes.</summary>
    public float* Result;

    /// <summary>Bytes from one row of the result to the next.</summary>
    public nint ResultStep;

    /// <summary>Elements of a row.</summary>
    public nint Columns;

    /// <summary>Rows, at least one.</summary>
    public nint Rows;

    /// <summary>How many bytes ahead of the rows those lie that are asked for, to be in the first cache; 0 for none.</summary>
    public nint Near;

    /// <summary>The same for the second cache.</summary>
    public nint Far;
}
