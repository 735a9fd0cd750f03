using System.Runtime.CompilerServices;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Lays the codes and scales of a weight of a <see cref="CodedFormat"/> out in panels; nothing of what is stored is lost.
/// </summary>
/// <remarks>
/// Some blocks of each of 16 outputs become bytes and words row by row, are turned around in whole words, and written group by group, so
/// that no step takes elements one by one.
/// </remarks>
internal sealed unsafe class PackedPackJob<TCodes, TScales, T>(WeightSource source, CpuMatrix matrix, int parts)
    : PackJob(matrix, parts)
    where TCodes : struct, IPackedCodes
    where TScales : struct, IStoredScales
    where T : struct, IInt8Groups
{
    // Of outputs that there are not all bytes of a panel are 0; a minimum is kept with the other sign.
    private static readonly GroupScale NoScale = new(default, Half.NegativeZero, 0, 0);

    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        // As many inputs at once as the largest blocks have.
        const int Run = 256, Stride = CpuMatrix.PanelOutputs;
        var format = (CodedFormat)source.Format;
        int size = PackedLayout<TCodes, TScales, T>.GroupInputs, runGroups = Run / size;
        nint rowBytes = (nint)source.RowBytes;
        byte* rows = (byte*)source.Data + (firstOutput * rowBytes);
        byte* codes = stackalloc byte[Run * Stride];
        uint* codeLines = stackalloc uint[Run / sizeof(uint) * Stride];
        GroupScale* scales = stackalloc GroupScale[runGroups * Stride];
        uint* scaleLines = stackalloc uint[runGroups * GroupScale.Words * Stride];
        new Span<byte>(codes + (outputs * Run), (Stride - outputs) * Run).Clear();
        new Span<GroupScale>(scales + (outputs * runGroups), (Stride - outputs) * runGroups).Fill(NoScale);
        for (int first = 0; first < Matrix.Groups; first += runGroups)
        {
            int groups = Math.Min(runGroups, Matrix.Groups - first), inputs = groups * size;
            int blocks = inputs / format.BlockElements;
            byte* block = rows + format.BytesOf((long)first * size);
            for (int j = 0; j < outputs; j++, block += rowBytes)
            {
                format.ReadCodes(block, blocks, codes + (j * Run));
                format.ReadScales(block, blocks, scales + (j * runGroups));
            }

            Transposition.ToPanel(codes, Run, Stride, inputs / sizeof(uint), codeLines);
            Transposition.ToPanel((byte*)scales, runGroups * sizeof(GroupScale), Stride, groups * GroupScale.Words, scaleLines);
            for (int g = 0; g < groups; g++)
            {
                byte* group = panel + ((nint)(first + g) * PackedLayout<TCodes, TScales, T>.GroupBytes);
                PackedLayout<TCodes, TScales, T>.Write(group, codeLines + (g * (size / sizeof(uint)) * Stride));
                TScales.Write(
                    group + PackedLayout<TCodes, TScales, T>.ScalesAt,
                    PackedLayout<TCodes, TScales, T>.Block(panel, Matrix.Groups, first + g), scaleLines + (g * GroupScale.Words * Stride));
            }
        }
    }
}
