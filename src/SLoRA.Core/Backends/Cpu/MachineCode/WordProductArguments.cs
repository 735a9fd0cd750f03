using System.Runtime.InteropServices;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>What a call of the word product reads; eight bytes each, in this order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct WordProductArguments
{
    /// <summary>Row 0 of x, in pairs of 16-bit integers.</summary>
    public int* X;

    /// <summary>Bytes from one row of x to the next.</summary>
    public nint Stride;

    /// <summary>The scales of row 0, one per group.</summary>
    public float* Scales;

    /// <summary>Bytes from the scales of one row to those of the next.</summary>
    public nint ScaleStride;

    /// <summary>Panel 0: for each group its pairs, then its scales (<c>Int8Layout</c>).</summary>
    public byte* Weights;

    /// <summary>Bytes from one panel to the next.</summary>
    public nint PanelBytes;

    /// <summary>Groups of inputs, at least one.</summary>
    public nint Groups;

    /// <summary>Pairs of inputs in a group, an even number.</summary>
    public nint Pairs;

    /// <summary>Where the results go: <c>[rows, panels, 16]</c>.</summary>
    public float* Result;
}
