using System.Buffers;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format into panels of int8 weights.</summary>
/// <typeparam name="T">The groups, of 64 or 32 inputs.</typeparam>
internal sealed unsafe class QuantizedPackJob<T>(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
    where T : struct, IInt8Groups
{
    /// <summary>What products take of a row: its numbers as integers times scales.</summary>
    public static void Round(Span<float> row)
    {
        int size = Int8Layout<T>.GroupInputs;
        float* numbers = stackalloc float[size];
        short* integers = stackalloc short[size];
        for (int first = 0; first < row.Length; first += size)
        {
            Span<float> group = row.Slice(first, Math.Min(size, row.Length - first));
            new Span<float>(numbers, size).Clear();
            group.CopyTo(new Span<float>(numbers, size));
            float scale = Int8Group.Quantize<T>(numbers, Int8Layout.WeightLimit, integers);
            for (int i = 0; i < group.Length; i++)
            {
                group[i] = integers[i] * scale;
            }
        }
    }

    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        // Behind the last input are zeros up to a whole group.
        int size = Int8Layout<T>.GroupInputs;
        int width = Matrix.Groups * size;
        float[] rows = ArrayPool<float>.Shared.Rent(outputs * width);
        for (int j = 0; j < outputs; j++)
        {
            Span<float> row = rows.AsSpan(j * width, width);
            source.Format.Widen(source.Row(firstOutput + j), row[..source.Columns]);
            row[source.Columns..].Clear();
        }

        short* wide = stackalloc short[size];
        byte* integers = stackalloc byte[CpuMatrix.PanelOutputs * size];
        Span<float> scales = stackalloc float[CpuMatrix.PanelOutputs];
        fixed (float* numbers = rows)
        {
            for (int group = 0; group < Matrix.Groups; group++)
            {
                for (int j = 0; j < outputs; j++)
                {
                    scales[j] = Int8Group.Quantize<T>(numbers + (j * width) + (group * size), Int8Layout.WeightLimit, wide);
                    for (int i = 0; i < size; i += Vector256<sbyte>.Count)
                    {
                        Vector256.Narrow(Vector256.Load(wide + i), Vector256.Load(wide + i + Vector256<short>.Count))
                            .Store((sbyte*)integers + (j * size) + i);
                    }
                }

                Int8Layout<T>.Write(panel + ((nint)group * Int8Layout<T>.GroupBytes), integers, size, scales, outputs);
            }
        }

        ArrayPool<float>.Shared.Return(rows);
    }
}
