using System.Runtime.InteropServices;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// What a call of a product of integers reads; eight bytes each, in this order. Integers of x come in words of 32 bits: pairs of 16 bits
/// (<see cref="WordProducts"/>), or four bytes (<see cref="ByteProducts"/>).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IntegerProductArguments
{
    /// <summary>Row 0 of x.</summary>
    public int* X;

    /// <summary>Bytes from one row of x to the next.</summary>
    public nint Stride;

    /// <summary>The scales of row 0, one per group; with bytes each is followed by the integer at which the group's sums begin.</summary>
    public float* Scales;

    /// <summary>Bytes from the scales of one row to those of the next.</summary>
    public nint ScaleStride;

    /// <summary>Panel 0: for each group the weights of each word, <c>[16 outputs][2 or 4 bytes]</c>, then its scales.</summary>
    public byte* Weights;

    /// <summary>Bytes from one panel to the next.</summary>
    public nint PanelBytes;

    /// <summary>Groups of inputs, at least one.</summary>
    public nint Groups;

    /// <summary>Words of x in a group, an even number.</summary>
    public nint Words;

    /// <summary>Where the results go: <c>[rows, panels, 16]</c>.</summary>
    public float* Result;

    /// <summary>What is asked for while this is multiplied, to be in the second cache when it is its turn.</summary>
    public byte* Ahead;

    /// <summary>How far that goes on with every two words of x.</summary>
    public nint AheadStep;
}
