using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>An embedding table <c>[Entries, Width]</c>, read where the checkpoint has it, if its memory stays.</summary>
internal sealed class CpuTable(WeightSource source) : DeviceTable(source.Rows, source.Columns)
{
    /// <summary>How its elements lie.</summary>
    public WeightFormat Format { get; } = source.Format;

    /// <summary>How shards share the tokens; null where this is the whole table.</summary>
    public Split? Split { get; } = source.Partition?.Split;

    /// <summary>An entry: the row of a token, where this is the whole table.</summary>
    public ReadOnlySpan<byte> Entry(int entry) => source.Row(entry);
}
