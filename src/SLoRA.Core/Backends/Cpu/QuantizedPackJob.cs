namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format into panels of int8 weights in groups of 64 inputs.</summary>
internal sealed unsafe class QuantizedPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        // Behind the last input are zeros up to a whole group.
        var row = new float[Matrix.Groups * Int8Layout<Groups64>.GroupInputs];
        short* integers = stackalloc short[Int8Layout<Groups64>.GroupInputs];
        Span<sbyte> narrow = stackalloc sbyte[Int8Layout<Groups64>.GroupInputs];
        fixed (float* numbers = row)
        {
            for (int j = 0; j < outputs; j++)
            {
                source.Format.Widen(source.Row(firstOutput + j), row.AsSpan(0, source.Columns));
                for (int group = 0; group < Matrix.Groups; group++)
                {
                    float scale = Int8Group.Quantize<Groups64>(
                        numbers + (group * narrow.Length), Int8Layout.WeightLimit, integers);
                    for (int i = 0; i < narrow.Length; i++)
                    {
                        narrow[i] = (sbyte)integers[i];
                    }

                    Int8Layout<Groups64>.Write(panel + ((nint)group * Int8Layout<Groups64>.GroupBytes), j, narrow, scale);
                }
            }
        }
    }
}
