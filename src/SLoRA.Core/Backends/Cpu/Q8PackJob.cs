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
        int blockBytes = source.Format.BlockBytes;
        var rowBytes = (nint)source.RowBytes;
        Span<float> scales = stackalloc float[CpuMatrix.PanelOutputs];
        fixed (byte* first = source.Row(firstOutput))
        {
            for (int group = 0; group < Matrix.Groups; group++)
            {
                byte* block = first + (group * (nint)blockBytes);
                for (int j = 0; j < outputs; j++)
                {
                    scales[j] = Q8Format.Scale(new ReadOnlySpan<byte>(block + (j * rowBytes), blockBytes));
                }

                Int8Layout<Groups32>.Write(
                    panel + ((nint)group * Int8Layout<Groups32>.GroupBytes), block + Q8Format.ScaleBytes, rowBytes, scales, outputs);
            }
        }
    }
}
