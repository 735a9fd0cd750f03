using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>An embedding table <c>[Entries, Width]</c>, read where the checkpoint has it, if its memory stays.</summary>
internal sealed unsafe class CpuTable(WeightSource source) : DeviceTable(source.Rows, source.Columns)
{
    /// <summary>Element type.</summary>
    public TensorType Type { get; } = source.Type;

    /// <summary>The row of a token.</summary>
    public byte* Entry(int token) => (byte*)source.Data + ((long)token * Width * Type.ElementSize());
}
