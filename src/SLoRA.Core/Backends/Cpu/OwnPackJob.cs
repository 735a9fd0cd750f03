using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format to the library's own four or five bits, in groups of 32 inputs.</summary>
/// <typeparam name="TCodes">The codes.</typeparam>
internal sealed unsafe class OwnPackJob<TCodes>(WeightSource source, CpuMatrix matrix, int parts) : PackJob(matrix, parts)
    where TCodes : struct, IPackedCodes
{
    /// <summary>What products take of a row: its codes less their zero, times scales.</summary>
    public static void Round(Span<float> row)
    {
        // As many groups as a panel has outputs, side by side.
        const int Together = CpuMatrix.PanelOutputs;
        float* numbers = stackalloc float[OwnGroup<TCodes>.Size * Together];
        byte* packed = stackalloc byte[OwnGroup<TCodes>.Bytes];
        for (int first = 0; first < row.Length; first += OwnGroup<TCodes>.Size * Together)
        {
            Span<float> groups = row.Slice(first, Math.Min(OwnGroup<TCodes>.Size * Together, row.Length - first));
            new Span<float>(numbers, OwnGroup<TCodes>.Size * Together).Clear();
            for (int i = 0; i < groups.Length; i++)
            {
                numbers[(i % OwnGroup<TCodes>.Size * Together) + (i / OwnGroup<TCodes>.Size)] = groups[i];
            }

            OwnGroup<TCodes>.Quantize(numbers, packed);
            for (int i = 0; i < groups.Length; i++)
            {
                groups[i] = OwnGroup<TCodes>.Value(packed, i / OwnGroup<TCodes>.Size, i % OwnGroup<TCodes>.Size);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Pack(byte* panel, int firstOutput, int outputs)
    {
        if (source.Format == WeightFormat.BF16 && source.Columns % OwnGroup<TCodes>.Size == 0)
        {
            PackBrains(panel, firstOutput, outputs);
        }
        else
        {
            PackAny(panel, firstOutput, outputs);
        }
    }

    /// <summary>Bfloat16 is turned as pairs, half as many words, some groups at once, and widened where it lies then.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackBrains(byte* panel, int firstOutput, int outputs)
    {
        const int Stride = CpuMatrix.PanelOutputs, Pairs = 16, Together = 8;
        uint* pairs = stackalloc uint[Together * Pairs * Stride];
        uint* numbers = stackalloc uint[2 * Pairs * Stride];
        new Span<uint>(pairs, Together * Pairs * Stride).Clear();
        byte* from = (byte*)source.Data + (firstOutput * source.RowBytes);
        for (int first = 0; first < Matrix.Groups; first += Together, from += Together * Pairs * sizeof(uint))
        {
            int end = Math.Min(Together, Matrix.Groups - first);
            Transposition.ToPanel(from, (nint)source.RowBytes, outputs, end * Pairs, pairs);
            for (int g = 0; g < end; g++, panel += OwnGroup<TCodes>.Bytes)
            {
                uint* words = pairs + (g * Pairs * Stride);
                for (int i = 0; i < Pairs * Stride; i += Stride)
                {
                    Vector512<uint> both = Vector512.Load(words + i);
                    (both << 16).Store(numbers + (2 * i));
                    (both & Vector512.Create(0xFFFF0000u)).Store(numbers + (2 * i) + Stride);
                }

                OwnGroup<TCodes>.Quantize((float*)numbers, panel);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackAny(byte* panel, int firstOutput, int outputs)
    {
        // Behind the last input are zeros up to a whole group, and outputs that there are not are zeros.
        int width = Matrix.Groups * OwnGroup<TCodes>.Size;
        float[] rows = ArrayPool<float>.Shared.Rent(outputs * width);
        for (int j = 0; j < outputs; j++)
        {
            Span<float> row = rows.AsSpan(j * width, width);
            source.Format.Widen(source.Row(firstOutput + j), row[..source.Columns]);
            row[source.Columns..].Clear();
        }

        float* numbers = stackalloc float[OwnGroup<TCodes>.Size * CpuMatrix.PanelOutputs];
        new Span<float>(numbers, OwnGroup<TCodes>.Size * CpuMatrix.PanelOutputs).Clear();
        fixed (float* first = rows)
        {
            for (int g = 0; g < Matrix.Groups; g++)
            {
                Transposition.ToPanel(
                    (byte*)(first + (g * OwnGroup<TCodes>.Size)), (nint)width * sizeof(float), outputs, OwnGroup<TCodes>.Size,
                    (uint*)numbers);
                OwnGroup<TCodes>.Quantize(numbers, panel + ((nint)g * OwnGroup<TCodes>.Bytes));
            }
        }

        ArrayPool<float>.Shared.Return(rows);
    }
}
