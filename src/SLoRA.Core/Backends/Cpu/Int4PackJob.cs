using System.Buffers;

namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format to the library's own four bits, in groups of 32 inputs.</summary>
internal sealed unsafe class Int4PackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        // Behind the last input are zeros up to a whole group, and outputs that there are not are zeros.
        int width = Matrix.Groups * Int4Group.Size;
        float[] rows = ArrayPool<float>.Shared.Rent(outputs * width);
        for (int j = 0; j < outputs; j++)
        {
            Span<float> row = rows.AsSpan(j * width, width);
            source.Format.Widen(source.Row(firstOutput + j), row[..source.Columns]);
            row[source.Columns..].Clear();
        }

        float* numbers = stackalloc float[Int4Group.Size * CpuMatrix.PanelOutputs];
        new Span<float>(numbers, Int4Group.Size * CpuMatrix.PanelOutputs).Clear();
        fixed (float* first = rows)
        {
            for (int g = 0; g < Matrix.Groups; g++)
            {
                Transposition.ToPanel(
                    (byte*)(first + (g * Int4Group.Size)), (nint)width * sizeof(float), outputs, Int4Group.Size, (uint*)numbers);
                byte* group = panel + ((nint)g * PackedLayout<FourBits, ZeroScales<OwnZeros>, Groups32>.GroupBytes);
                byte* scales = group + PackedLayout<FourBits, ZeroScales<OwnZeros>, Groups32>.ScalesAt;
                Int4Group.Quantize(numbers, group, (ushort*)scales, scales + ZeroScales<OwnZeros>.ZerosAt);
            }
        }

        ArrayPool<float>.Shared.Return(rows);
    }
}
