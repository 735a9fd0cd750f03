using System.Buffers;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format to the library's own four bits, in groups of 32 inputs.</summary>
internal sealed unsafe class Int4PackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <summary>What products take of a row: its codes less their zero, times scales.</summary>
    public static void Round(Span<float> row)
    {
        // As many groups as a panel has outputs, side by side.
        const int Together = CpuMatrix.PanelOutputs;
        float* numbers = stackalloc float[Int4Group.Size * Together];
        byte* codes = stackalloc byte[Int4Group.CodeBytes], zeros = stackalloc byte[Together];
        ushort* scales = stackalloc ushort[Together];
        for (int first = 0; first < row.Length; first += Int4Group.Size * Together)
        {
            Span<float> groups = row.Slice(first, Math.Min(Int4Group.Size * Together, row.Length - first));
            new Span<float>(numbers, Int4Group.Size * Together).Clear();
            for (int i = 0; i < groups.Length; i++)
            {
                numbers[(i % Int4Group.Size * Together) + (i / Int4Group.Size)] = groups[i];
            }

            Int4Group.Quantize(numbers, codes, scales, zeros);
            for (int i = 0; i < groups.Length; i++)
            {
                int group = i / Int4Group.Size;
                float code = Int4Group.Code(codes, group, i % Int4Group.Size);
                groups[i] = Elements.Widen(scales[group]) * (code - ((float)zeros[group] / OwnZeros.ZeroParts));
            }
        }
    }

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
