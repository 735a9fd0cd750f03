using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Quantizes a weight of any format, group by group: widens it and turns it around, so that the 16 outputs of a panel lie side by side.
/// </summary>
/// <param name="source">The weight.</param>
/// <param name="matrix">The matrix; its memory is zeroed.</param>
/// <param name="parts">In how many parts.</param>
/// <param name="size">Inputs of a group, 32 or 64.</param>
internal abstract unsafe class NumberPackJob(WeightSource source, CpuMatrix matrix, int parts, int size) : PackJob(matrix, parts)
{
    private const int Stride = CpuMatrix.PanelOutputs;

    /// <summary>Quantizes a group of 16 outputs.</summary>
    /// <param name="numbers"><c>[size][16]</c>; zeros for outputs and inputs that there are not.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="group">Which of its groups.</param>
    protected abstract void Quantize(float* numbers, byte* panel, int group);

    /// <inheritdoc/>
    protected sealed override void Pack(byte* panel, int firstOutput, int outputs)
    {
        if (source.Format == WeightFormat.BF16 && source.Columns % size == 0)
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
        const int Run = 256, Pairs = Run / 2;
        int together = Run / size;
        uint* pairs = stackalloc uint[Pairs * Stride];
        uint* numbers = stackalloc uint[size * Stride];
        new Span<uint>(pairs, Pairs * Stride).Clear();
        byte* from = (byte*)source.Data + (firstOutput * source.RowBytes);
        for (int first = 0; first < Matrix.Groups; first += together, from += Pairs * sizeof(uint))
        {
            int groups = Math.Min(together, Matrix.Groups - first);
            Transposition.ToPanel(from, (nint)source.RowBytes, outputs, groups * size / 2, pairs);
            for (int g = 0; g < groups; g++)
            {
                Widen(pairs + (g * (size / 2) * Stride), numbers);
                Quantize((float*)numbers, panel, first + g);
            }
        }
    }

    /// <summary>Pairs of a group to its numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Widen(uint* pairs, uint* numbers)
    {
        for (int i = 0; i < size / 2 * Stride; i += Stride)
        {
            for (int j = i; j < i + Stride; j += Vector256<uint>.Count)
            {
                Vector256<uint> both = Vector256.Load(pairs + j);
                (both << 16).Store(numbers + i + j);
                (both & Vector256.Create(0xFFFF0000u)).Store(numbers + i + j + Stride);
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackAny(byte* panel, int firstOutput, int outputs)
    {
        int width = Matrix.Groups * size;
        float[] rows = ArrayPool<float>.Shared.Rent(outputs * width);
        for (int j = 0; j < outputs; j++)
        {
            Span<float> row = rows.AsSpan(j * width, width);
            source.Format.Widen(source.Row(firstOutput + j), row[..source.Columns]);
            row[source.Columns..].Clear();
        }

        float* numbers = stackalloc float[size * Stride];
        new Span<float>(numbers, size * Stride).Clear();
        fixed (float* first = rows)
        {
            for (int group = 0; group < Matrix.Groups; group++)
            {
                Transposition.ToPanel(
                    (byte*)(first + (group * size)), (nint)width * sizeof(float), outputs, size, (uint*)numbers);
                Quantize(numbers, panel, group);
            }
        }

        ArrayPool<float>.Shared.Return(rows);
    }
}
