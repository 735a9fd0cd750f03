using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Lays the codes and scales of a weight of a <see cref="CodedFormat"/> out in panels; nothing of what is stored is lost.
/// </summary>
internal sealed unsafe class PackedPackJob<TCodes, TScales, T>(WeightSource source, CpuMatrix matrix, int parts)
    : PackJob(matrix, parts)
    where TCodes : struct, IPackedCodes
    where TScales : struct, IStoredScales
    where T : struct, IInt8Groups
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        var format = (CodedFormat)source.Format;
        int inBlock = format.BlockElements / format.GroupElements;
        Span<byte> codes = stackalloc byte[format.BlockElements];
        for (int j = 0; j < outputs; j++)
        {
            ReadOnlySpan<byte> row = source.Row(firstOutput + j);
            for (int g = 0; g < Matrix.Groups; g++)
            {
                ReadOnlySpan<byte> block = row.Slice(g / inBlock * format.BlockBytes, format.BlockBytes);
                if (g % inBlock == 0)
                {
                    format.ReadCodes(block, codes);
                }

                byte* group = panel + ((nint)g * PackedLayout<TCodes, TScales, T>.GroupBytes);
                PackedLayout<TCodes, TScales, T>.Write(
                    group, j, codes.Slice(g % inBlock * format.GroupElements, format.GroupElements));
                TScales.Write(
                    group + PackedLayout<TCodes, TScales, T>.ScalesAt, PackedLayout<TCodes, TScales, T>.Block(panel, Matrix.Groups, g), j,
                    format.ReadScale(block, g % inBlock));
            }
        }
    }
}
