using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Copies a weight of <see cref="WeightFormat.Q8_0"/> into panels of int8 weights in groups of 32 inputs: its integers as they are, its
/// scales as fp32.
/// </summary>
internal sealed unsafe class Q8PackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        for (int j = 0; j < outputs; j++)
        {
            ReadOnlySpan<byte> row = source.Row(firstOutput + j);
            for (int group = 0; group < Matrix.Groups; group++)
            {
                ReadOnlySpan<byte> block = row.Slice(group * source.Format.BlockBytes, source.Format.BlockBytes);
                ReadOnlySpan<sbyte> integers = MemoryMarshal.Cast<byte, sbyte>(block[Q8Format.ScaleBytes..]);
                Int8Layout<Groups32>.Write(panel + ((nint)group * Int8Layout<Groups32>.GroupBytes), j, integers, Q8Format.Scale(block));
            }
        }
    }
}
