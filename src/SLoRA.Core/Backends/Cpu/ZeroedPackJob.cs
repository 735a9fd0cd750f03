using System.Runtime.CompilerServices;
using SLoRA.Formats.Blocks;

namespace SLoRA.Backends.Cpu;

/// <summary>Lays the codes, scales and zeros of a weight of a <see cref="ZeroedFormat"/> out in panels; nothing is lost.</summary>
/// <remarks>As <see cref="PackedPackJob{TCodes,TScales,T}"/> does it.</remarks>
/// <typeparam name="T">How scales and zeros are kept.</typeparam>
internal sealed unsafe class ZeroedPackJob<T>(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
    where T : struct, IZeroCodes
{
    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        const int RunGroups = 8, Size = ZeroedFormat.Elements, Run = RunGroups * Size, Stride = CpuMatrix.PanelOutputs;
        int blockBytes = source.Format.BlockBytes;
        byte* codes = stackalloc byte[Run * Stride];
        uint* lines = stackalloc uint[Run / sizeof(uint) * Stride];
        uint* scales = stackalloc uint[RunGroups * Stride];
        new Span<uint>(lines, Run / sizeof(uint) * Stride).Clear();
        new Span<uint>(scales, RunGroups * Stride).Clear();
        for (int first = 0; first < Matrix.Groups; first += RunGroups)
        {
            int groups = Math.Min(RunGroups, Matrix.Groups - first);
            for (int j = 0; j < outputs; j++)
            {
                ReadOnlySpan<byte> blocks = source.Row(firstOutput + j).Slice(first * blockBytes, groups * blockBytes);
                ZeroedFormat.ReadCodes(blocks, new Span<byte>(codes + (j * Run), groups * Size));
                for (int g = 0; g < groups; g++, blocks = blocks[blockBytes..])
                {
                    scales[(g * Stride) + j] = ZeroedFormat.ScaleBits(blocks) | ((uint)ZeroedFormat.Zero(blocks) << 16);
                }
            }

            Transposition.ToPanel(codes, Run, outputs, groups * Size / sizeof(uint), lines);
            for (int g = 0; g < groups; g++)
            {
                byte* group = panel + ((nint)(first + g) * PackedLayout<FourBits, ZeroScales<T>, Groups32>.GroupBytes);
                PackedLayout<FourBits, ZeroScales<T>, Groups32>.Write(group, lines + (g * (Size / sizeof(uint)) * Stride));
                ZeroScales<T>.Write(group + PackedLayout<FourBits, ZeroScales<T>, Groups32>.ScalesAt, scales + (g * Stride));
            }
        }
    }
}
