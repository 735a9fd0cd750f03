using System.Runtime.CompilerServices;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Copies a weight that is stored as signed bytes with a scale for 32 of them (<see cref="IScaledIntegers"/>) into panels of int8 weights:
/// its integers as they are, its scales as fp32.
/// </summary>
internal sealed unsafe class IntegerPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        var format = (IScaledIntegers)source.Format;
        int size = IScaledIntegers.GroupElements, inBlock = source.Format.BlockElements / size;
        sbyte* integers = stackalloc sbyte[CpuMatrix.PanelOutputs * size];
        Span<float> scales = stackalloc float[CpuMatrix.PanelOutputs];
        int blockBytes = source.Format.BlockBytes;
        byte* rows = (byte*)source.Data + (firstOutput * source.RowBytes);
        for (int group = 0; group < Matrix.Groups; group++)
        {
            byte* block = rows + (group / inBlock * blockBytes);
            for (int j = 0; j < outputs; j++, block += source.RowBytes)
            {
                scales[j] = format.ReadIntegers(
                    new ReadOnlySpan<byte>(block, blockBytes), group % inBlock, new Span<sbyte>(integers + (j * size), size));
            }

            Int8Layout<Groups32>.Write(
                panel + ((nint)group * Int8Layout<Groups32>.GroupBytes), (byte*)integers, size, scales, outputs);
        }
    }
}
