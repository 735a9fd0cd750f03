namespace SLoRA.Backends.Cpu;

/// <summary>
/// A base weight packed for streaming: panels of 16 outputs, one after the other, each in order of the inputs as its
/// <see cref="PanelPacking"/> says. Outputs are padded with zero rows to whole panels.
/// </summary>
internal sealed unsafe class CpuMatrix : DeviceMatrix
{
    /// <summary>Outputs of a panel.</summary>
    public const int PanelOutputs = 16;

    /// <summary>Describes a packed matrix.</summary>
    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="inputs">Columns of the matrix.</param>
    /// <param name="packing">How panels hold the weights.</param>
    /// <param name="memory">At least <see cref="BytesFor"/> bytes, on a cache line.</param>
    public CpuMatrix(int outputs, int inputs, PanelPacking packing, byte* memory)
        : base(outputs, inputs)
    {
        Packing = packing;
        Pairs = (inputs + 1) / 2;
        Groups = packing.GroupInputs == 0 ? 0 : (inputs + packing.GroupInputs - 1) / packing.GroupInputs;
        Panels = (outputs + PanelOutputs - 1) / PanelOutputs;
        PanelBytes = (nint)packing.PanelBytes(inputs);
        Data = memory;
    }

    /// <summary>How panels hold the weights.</summary>
    public PanelPacking Packing { get; }

    /// <summary>Groups of inputs that share a scale; 0 where weights are floating-point numbers.</summary>
    public int Groups { get; }

    /// <summary>Pairs of inputs.</summary>
    public int Pairs { get; }

    /// <summary>Panels of 16 outputs.</summary>
    public int Panels { get; }

    /// <summary>From one panel to the next.</summary>
    public nint PanelBytes { get; }

    /// <summary>Panel 0, on a cache line.</summary>
    public byte* Data { get; }

    /// <summary>Bytes of a packed matrix.</summary>
    public static long BytesFor(int outputs, int inputs, PanelPacking packing)
        => ((long)outputs + PanelOutputs - 1) / PanelOutputs * packing.PanelBytes(inputs);

    /// <summary>First byte of a panel.</summary>
    public byte* Panel(int panel) => Data + (panel * PanelBytes);
}
