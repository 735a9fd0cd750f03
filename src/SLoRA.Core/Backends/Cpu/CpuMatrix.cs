using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// A base weight packed for streaming: panels of 16 outputs, one after the other, each <c>[pairs of inputs][16 outputs][2]</c>. Outputs are
/// padded with zero rows to whole panels, inputs with a zero to whole pairs. int8 weights come in groups of inputs
/// (<see cref="Int8Layout"/>).
/// </summary>
internal sealed unsafe class CpuMatrix : DeviceMatrix
{
    /// <summary>Outputs of a panel.</summary>
    public const int PanelOutputs = 16;

    /// <summary>Describes a packed matrix.</summary>
    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="inputs">Columns of the matrix.</param>
    /// <param name="type">Type of the packed elements.</param>
    /// <param name="memory">At least <see cref="BytesFor"/> bytes, on a cache line.</param>
    public CpuMatrix(int outputs, int inputs, TensorType type, byte* memory)
        : base(outputs, inputs)
    {
        Type = type;
        Pairs = (inputs + 1) / 2;
        Panels = (outputs + PanelOutputs - 1) / PanelOutputs;
        PanelBytes = (nint)PanelBytesFor(inputs, type);
        Data = memory;
    }

    /// <summary>
    /// Type of the packed elements: as stored, fp32 where half precision has infinities or NaN, I8 where they were quantized.
    /// </summary>
    public TensorType Type { get; }

    /// <summary>Groups of inputs that share a scale; int8 weights only.</summary>
    public int Groups => Int8Layout.Groups(Inputs);

    /// <summary>Pairs of inputs.</summary>
    public int Pairs { get; }

    /// <summary>Panels of 16 outputs.</summary>
    public int Panels { get; }

    /// <summary>From one panel to the next.</summary>
    public nint PanelBytes { get; }

    /// <summary>Panel 0, on a cache line.</summary>
    public byte* Data { get; }

    /// <summary>Bytes of a packed matrix.</summary>
    public static long BytesFor(int outputs, int inputs, TensorType type)
        => ((long)outputs + PanelOutputs - 1) / PanelOutputs * PanelBytesFor(inputs, type);

    /// <summary>First byte of a panel.</summary>
    public byte* Panel(int panel) => Data + (panel * PanelBytes);

    private static long PanelBytesFor(int inputs, TensorType type) => type == TensorType.I8
        ? (long)Int8Layout.Groups(inputs) * Int8Layout.GroupBytes
        : (inputs + 1L) / 2 * 2 * PanelOutputs * type.ElementSize();
}
