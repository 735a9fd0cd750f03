using System.Runtime.CompilerServices;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Copies a weight that is stored as signed bytes with a scale for 32 of them (<see cref="IScaledIntegers"/>) into panels of int8 weights:
/// its integers as they are, its scales as fp32.
/// </summary>
/// <remarks>As <see cref="PackedPackJob{TCodes,TScales,T}"/> does it.</remarks>
internal sealed unsafe class IntegerPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        const int RunGroups = 8, Size = IScaledIntegers.GroupElements, Run = RunGroups * Size, Stride = CpuMatrix.PanelOutputs;
        var format = (IScaledIntegers)source.Format;
        int blockBytes = source.Format.BlockBytes, inBlock = source.Format.BlockElements / Size;
        nint rowBytes = (nint)source.RowBytes;
        byte* rows = (byte*)source.Data + (firstOutput * rowBytes);
        sbyte* integers = stackalloc sbyte[Run * Stride];
        uint* lines = stackalloc uint[Run / sizeof(uint) * Stride];
        float* scales = stackalloc float[RunGroups * Stride];
        new Span<uint>(lines, Run / sizeof(uint) * Stride).Clear();
        new Span<float>(scales, RunGroups * Stride).Clear();
        for (int first = 0; first < Matrix.Groups; first += RunGroups)
        {
            int groups = Math.Min(RunGroups, Matrix.Groups - first);
            for (int j = 0; j < outputs; j++)
            {
                for (int g = 0; g < groups; g++)
                {
                    var block = new ReadOnlySpan<byte>(rows + (j * rowBytes) + ((first + g) / inBlock * blockBytes), blockBytes);
                    scales[(g * Stride) + j] = format.ReadIntegers(
                        block, (first + g) % inBlock, new Span<sbyte>(integers + (j * Run) + (g * Size), Size));
                }
            }

            Transposition.ToPanel((byte*)integers, Run, outputs, groups * Size / sizeof(uint), lines);
            for (int g = 0; g < groups; g++)
            {
                Int8Layout<Groups32>.Write(
                    panel + ((nint)(first + g) * Int8Layout<Groups32>.GroupBytes), lines + (g * (Size / sizeof(uint)) * Stride),
                    scales + (g * Stride));
            }
        }
    }
}
