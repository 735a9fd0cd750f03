using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format to the library's own four bits, in groups of 32 inputs.</summary>
internal sealed unsafe class Int4PackJob(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
{
    /// <summary>What products take of a row: its codes less their zero, times scales.</summary>
    public static void Round(Span<float> row)
    {
        float* numbers = stackalloc float[Int4Group.Size];
        Span<byte> codes = stackalloc byte[Int4Group.Size];
        for (int first = 0; first < row.Length; first += Int4Group.Size)
        {
            Span<float> group = row.Slice(first, Math.Min(Int4Group.Size, row.Length - first));
            new Span<float>(numbers, Int4Group.Size).Clear();
            group.CopyTo(new Span<float>(numbers, Int4Group.Size));
            float scale = Elements.Widen(Int4Group.Quantize(numbers, codes, out byte zero));
            for (int i = 0; i < group.Length; i++)
            {
                group[i] = scale * (codes[i] - ((float)zero / OwnZeros.ZeroParts));
            }
        }
    }

    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        // Behind the last input are zeros up to a whole group.
        var row = new float[Matrix.Groups * Int4Group.Size];
        Span<byte> codes = stackalloc byte[Int4Group.Size];
        fixed (float* numbers = row)
        {
            for (int j = 0; j < outputs; j++)
            {
                source.Format.Widen(source.Row(firstOutput + j), row.AsSpan(0, source.Columns));
                for (int g = 0; g < Matrix.Groups; g++)
                {
                    ushort scale = Int4Group.Quantize(numbers + (g * Int4Group.Size), codes, out byte zero);
                    byte* group = panel + ((nint)g * PackedLayout<FourBits, ZeroScales<OwnZeros>, Groups32>.GroupBytes);
                    PackedLayout<FourBits, ZeroScales<OwnZeros>, Groups32>.Write(group, j, codes);
                    ZeroScales<OwnZeros>.Write(group + PackedLayout<FourBits, ZeroScales<OwnZeros>, Groups32>.ScalesAt, j, scale, zero);
                }
            }
        }
    }
}
