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
        int inBlock = source.Format.BlockElements / IScaledIntegers.GroupElements;
        Span<sbyte> integers = stackalloc sbyte[IScaledIntegers.GroupElements];
        for (int j = 0; j < outputs; j++)
        {
            ReadOnlySpan<byte> row = source.Row(firstOutput + j);
            for (int group = 0; group < Matrix.Groups; group++)
            {
                ReadOnlySpan<byte> block = row.Slice(group / inBlock * source.Format.BlockBytes, source.Format.BlockBytes);
                float scale = format.ReadIntegers(block, group % inBlock, integers);
                Int8Layout<Groups32>.Write(panel + ((nint)group * Int8Layout<Groups32>.GroupBytes), j, integers, scale);
            }
        }
    }
}
