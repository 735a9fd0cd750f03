using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>An embedding table <c>[Entries, Width]</c>, read where the checkpoint has it, if its memory stays.</summary>
internal sealed class CpuTable(WeightSource source) : DeviceTable(source.Rows, source.Columns)
{
    /// <summary>How its elements lie.</summary>
    public WeightFormat Format { get; } = source.Format;

    /// <summary>The row of a token.</summary>
    public ReadOnlySpan<byte> Entry(int token) => source.Row(token);
}
