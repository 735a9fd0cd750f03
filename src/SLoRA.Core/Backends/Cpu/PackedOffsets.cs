using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// What packed weights with offsets add to the product of their integers: for each output Σ over groups, in order, each a step:
/// <c>offset · (sum of the group's inputs)</c>, summed by itself and then added.
/// </summary>
internal static unsafe class PackedOffsets
{
    /// <summary>Adds it to the sums of a leaf, <c>[rows, panels, 16]</c>; nothing where weights have no offsets.</summary>
    /// <param name="block">The block.</param>
    /// <param name="leaf">The leaf.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Rows, an even number; those behind the last have memory.</param>
    /// <param name="panel">First panel.</param>
    /// <param name="panels">Panels.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<T>(in PanelBlock block, int leaf, int row, int rows, int panel, int panels)
        where T : struct, IInt8Groups
    {
        if (block.Offsets is null)
        {
            return;
        }

        int first = block.FirstInput(leaf) / Int8Layout<T>.GroupInputs;
        for (int p = 0; p < panels; p++)
        {
            float* result = block.ResultOf(leaf) + (p * Lanes.Count);
            AddPanel(
                block.OffsetsOf(panel + p, first), block.Groups(leaf), block.Quantized.Offsets(row) + first,
                2 * block.Quantized.ScaleStride, rows, result, panels * Lanes.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void AddPanel(float* offsets, int groups, float* x, nint stride, int rows, float* result, int resultStride)
    {
        int row = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; row + 4 <= rows; row += 4, x += 4 * stride, result += 4 * resultStride)
            {
                Rows4(offsets, groups, x, stride, result, resultStride);
            }
        }

        for (; row + 4 <= rows; row += 4, x += 4 * stride, result += 4 * resultStride)
        {
            Halves4(offsets, groups, x, stride, result, resultStride);
        }

        for (; row < rows; row += 2, x += 2 * stride, result += 2 * resultStride)
        {
            Halves2(offsets, groups, x, stride, result, resultStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows4(float* w, int groups, float* x, nint stride, float* result, int resultStride)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (int g = 0; g < groups; g++, w += Lanes.Count)
        {
            Vector512<float> offset = Vector512.Load(w);
            a = MultiplyAdd.Of(offset, Vector512.Create(x[g]), a);
            b = MultiplyAdd.Of(offset, Vector512.Create(x[stride + g]), b);
            c = MultiplyAdd.Of(offset, Vector512.Create(x[(2 * stride) + g]), c);
            d = MultiplyAdd.Of(offset, Vector512.Create(x[(3 * stride) + g]), d);
        }

        (Vector512.Load(result) + a).Store(result);
        (Vector512.Load(result + resultStride) + b).Store(result + resultStride);
        (Vector512.Load(result + (2 * resultStride)) + c).Store(result + (2 * resultStride));
        (Vector512.Load(result + (3 * resultStride)) + d).Store(result + (3 * resultStride));
    }

    /// <summary>As many sums at a time as steps take to end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves4(float* w, int groups, float* x, nint stride, float* result, int resultStride)
    {
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        float* x2 = x + (2 * stride);
        for (int g = 0; g < groups; g++, w += Lanes.Count)
        {
            Vector256<float> offsetA = Vector256.Load(w), offsetB = Vector256.Load(w + 8), of = Vector256.Create(x[g]);
            a0 = MultiplyAdd.Of(offsetA, of, a0);
            b0 = MultiplyAdd.Of(offsetB, of, b0);
            of = Vector256.Create(x[stride + g]);
            a1 = MultiplyAdd.Of(offsetA, of, a1);
            b1 = MultiplyAdd.Of(offsetB, of, b1);
            of = Vector256.Create(x2[g]);
            a2 = MultiplyAdd.Of(offsetA, of, a2);
            b2 = MultiplyAdd.Of(offsetB, of, b2);
            of = Vector256.Create(x2[stride + g]);
            a3 = MultiplyAdd.Of(offsetA, of, a3);
            b3 = MultiplyAdd.Of(offsetB, of, b3);
        }

        AddTo(result, a0, b0);
        AddTo(result + resultStride, a1, b1);
        AddTo(result + (2 * resultStride), a2, b2);
        AddTo(result + (3 * resultStride), a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves2(float* w, int groups, float* x, nint stride, float* result, int resultStride)
    {
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default;
        for (int g = 0; g < groups; g++, w += Lanes.Count)
        {
            Vector256<float> offsetA = Vector256.Load(w), offsetB = Vector256.Load(w + 8), of = Vector256.Create(x[g]);
            a0 = MultiplyAdd.Of(offsetA, of, a0);
            b0 = MultiplyAdd.Of(offsetB, of, b0);
            of = Vector256.Create(x[stride + g]);
            a1 = MultiplyAdd.Of(offsetA, of, a1);
            b1 = MultiplyAdd.Of(offsetB, of, b1);
        }

        AddTo(result, a0, b0);
        AddTo(result + resultStride, a1, b1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(float* result, Vector256<float> a, Vector256<float> b)
    {
        (Vector256.Load(result) + a).Store(result);
        (Vector256.Load(result + 8) + b).Store(result + 8);
    }
}
