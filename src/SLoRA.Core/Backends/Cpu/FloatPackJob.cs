using System.Buffers;

namespace SLoRA.Backends.Cpu;

/// <summary>Widens a weight of any format into panels of fp32, <c>[inputs][16]</c>.</summary>
internal sealed unsafe class FloatPackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        int width = source.Columns;
        float[] rows = ArrayPool<float>.Shared.Rent(outputs * width);
        for (int j = 0; j < outputs; j++)
        {
            source.Format.Widen(source.Row(firstOutput + j), rows.AsSpan(j * width, width));
        }

        fixed (float* numbers = rows)
        {
            Transposition.ToPanel((byte*)numbers, (nint)width * sizeof(float), outputs, width, (uint*)panel);
        }

        ArrayPool<float>.Shared.Return(rows);
    }
}
