using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Copies a weight that is stored as signed bytes with a scale for 32 of them (<see cref="IScaledIntegers"/>) into panels of int8 weights:
/// its integers as they are, its scales as fp32.
/// </summary>
internal sealed unsafe class IntegerPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        var format = (IScaledIntegers)source.Format;
        int size = IScaledIntegers.GroupElements, inBlock = source.Format.BlockElements / size;
        sbyte* integers = stackalloc sbyte[CpuMatrix.PanelOutputs * size];
        Span<float> scales = stackalloc float[CpuMatrix.PanelOutputs];
        for (int group = 0; group < Matrix.Groups; group++)
        {
            for (int j = 0; j < outputs; j++)
            {
                ReadOnlySpan<byte> block = source.Row(firstOutput + j).Slice(
                    group / inBlock * source.Format.BlockBytes, source.Format.BlockBytes);
                scales[j] = format.ReadIntegers(block, group % inBlock, new Span<sbyte>(integers + (j * size), size));
            }

            Int8Layout<Groups32>.Write(
                panel + ((nint)group * Int8Layout<Groups32>.GroupBytes), (byte*)integers, size, scales, outputs);
        }
    }
}
