using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The int8 product's inner loops in 512 bits: R rows of x times P panels of weights. The integer sums of a group stay in registers; behind the group
/// they are added to the result.
/// </summary>
/// <remarks>
/// x is row 0 in pairs of 16-bit integers, rows <c>stride</c> pairs apart; scales are its scales, rows <c>scaleStride</c> apart; w is panel 0, panels
/// <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Sums of a group are exact and groups are added in order, so all shapes and
/// widths give the same bits.
/// </remarks>
internal static unsafe class Int8Kernels512
{
    /// <summary>8 rows, 3 panels: 24 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows8Panels3(int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
    {
        new Span<float>(result, 24 * Lanes.Count).Clear();
        int* x4 = x + (4 * stride);
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default, a01 = default, a02 = default;
            Vector512<int> a10 = default, a11 = default, a12 = default;
            Vector512<int> a20 = default, a21 = default, a22 = default;
            Vector512<int> a30 = default, a31 = default, a32 = default;
            Vector512<int> a40 = default, a41 = default, a42 = default;
            Vector512<int> a50 = default, a51 = default, a52 = default;
            Vector512<int> a60 = default, a61 = default, a62 = default;
            Vector512<int> a70 = default, a71 = default, a72 = default;
            for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> w1 = Int8Dot.Load512(w + panelBytes);
                Vector512<short> w2 = Int8Dot.Load512(w + (2 * panelBytes));
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                a00 = Int8Dot.Add(a00, w0, b0);
                a01 = Int8Dot.Add(a01, w1, b0);
                a02 = Int8Dot.Add(a02, w2, b0);
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                a10 = Int8Dot.Add(a10, w0, b1);
                a11 = Int8Dot.Add(a11, w1, b1);
                a12 = Int8Dot.Add(a12, w2, b1);
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                a20 = Int8Dot.Add(a20, w0, b2);
                a21 = Int8Dot.Add(a21, w1, b2);
                a22 = Int8Dot.Add(a22, w2, b2);
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                a30 = Int8Dot.Add(a30, w0, b3);
                a31 = Int8Dot.Add(a31, w1, b3);
                a32 = Int8Dot.Add(a32, w2, b3);
                Vector512<short> b4 = Vector512.Create(*x4).AsInt16();
                a40 = Int8Dot.Add(a40, w0, b4);
                a41 = Int8Dot.Add(a41, w1, b4);
                a42 = Int8Dot.Add(a42, w2, b4);
                Vector512<short> b5 = Vector512.Create(x4[stride]).AsInt16();
                a50 = Int8Dot.Add(a50, w0, b5);
                a51 = Int8Dot.Add(a51, w1, b5);
                a52 = Int8Dot.Add(a52, w2, b5);
                Vector512<short> b6 = Vector512.Create(x4[2 * stride]).AsInt16();
                a60 = Int8Dot.Add(a60, w0, b6);
                a61 = Int8Dot.Add(a61, w1, b6);
                a62 = Int8Dot.Add(a62, w2, b6);
                Vector512<short> b7 = Vector512.Create(x4[3 * stride]).AsInt16();
                a70 = Int8Dot.Add(a70, w0, b7);
                a71 = Int8Dot.Add(a71, w1, b7);
                a72 = Int8Dot.Add(a72, w2, b7);
                w += Int8Layout.PairBytes;
                x++;
                x4++;
            }

            AddGroup(result, a00, w, *scales);
            AddGroup(result + 16, a01, w + panelBytes, *scales);
            AddGroup(result + 32, a02, w + (2 * panelBytes), *scales);
            AddGroup(result + 48, a10, w, scales[scaleStride]);
            AddGroup(result + 64, a11, w + panelBytes, scales[scaleStride]);
            AddGroup(result + 80, a12, w + (2 * panelBytes), scales[scaleStride]);
            AddGroup(result + 96, a20, w, scales[2 * scaleStride]);
            AddGroup(result + 112, a21, w + panelBytes, scales[2 * scaleStride]);
            AddGroup(result + 128, a22, w + (2 * panelBytes), scales[2 * scaleStride]);
            AddGroup(result + 144, a30, w, scales[3 * scaleStride]);
            AddGroup(result + 160, a31, w + panelBytes, scales[3 * scaleStride]);
            AddGroup(result + 176, a32, w + (2 * panelBytes), scales[3 * scaleStride]);
            AddGroup(result + 192, a40, w, scales[4 * scaleStride]);
            AddGroup(result + 208, a41, w + panelBytes, scales[4 * scaleStride]);
            AddGroup(result + 224, a42, w + (2 * panelBytes), scales[4 * scaleStride]);
            AddGroup(result + 240, a50, w, scales[5 * scaleStride]);
            AddGroup(result + 256, a51, w + panelBytes, scales[5 * scaleStride]);
            AddGroup(result + 272, a52, w + (2 * panelBytes), scales[5 * scaleStride]);
            AddGroup(result + 288, a60, w, scales[6 * scaleStride]);
            AddGroup(result + 304, a61, w + panelBytes, scales[6 * scaleStride]);
            AddGroup(result + 320, a62, w + (2 * panelBytes), scales[6 * scaleStride]);
            AddGroup(result + 336, a70, w, scales[7 * scaleStride]);
            AddGroup(result + 352, a71, w + panelBytes, scales[7 * scaleStride]);
            AddGroup(result + 368, a72, w + (2 * panelBytes), scales[7 * scaleStride]);
            w += CpuMatrix.PanelOutputs * sizeof(float);
            scales++;
        }
    }

    /// <summary>8 rows, 1 panel: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows8Panels1(int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
    {
        new Span<float>(result, 8 * Lanes.Count).Clear();
        int* x4 = x + (4 * stride);
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default;
            Vector512<int> a10 = default;
            Vector512<int> a20 = default;
            Vector512<int> a30 = default;
            Vector512<int> a40 = default;
            Vector512<int> a50 = default;
            Vector512<int> a60 = default;
            Vector512<int> a70 = default;
            for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                a00 = Int8Dot.Add(a00, w0, b0);
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                a10 = Int8Dot.Add(a10, w0, b1);
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                a20 = Int8Dot.Add(a20, w0, b2);
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                a30 = Int8Dot.Add(a30, w0, b3);
                Vector512<short> b4 = Vector512.Create(*x4).AsInt16();
                a40 = Int8Dot.Add(a40, w0, b4);
                Vector512<short> b5 = Vector512.Create(x4[stride]).AsInt16();
                a50 = Int8Dot.Add(a50, w0, b5);
                Vector512<short> b6 = Vector512.Create(x4[2 * stride]).AsInt16();
                a60 = Int8Dot.Add(a60, w0, b6);
                Vector512<short> b7 = Vector512.Create(x4[3 * stride]).AsInt16();
                a70 = Int8Dot.Add(a70, w0, b7);
                w += Int8Layout.PairBytes;
                x++;
                x4++;
            }

            AddGroup(result, a00, w, *scales);
            AddGroup(result + 16, a10, w, scales[scaleStride]);
            AddGroup(result + 32, a20, w, scales[2 * scaleStride]);
            AddGroup(result + 48, a30, w, scales[3 * scaleStride]);
            AddGroup(result + 64, a40, w, scales[4 * scaleStride]);
            AddGroup(result + 80, a50, w, scales[5 * scaleStride]);
            AddGroup(result + 96, a60, w, scales[6 * scaleStride]);
            AddGroup(result + 112, a70, w, scales[7 * scaleStride]);
            w += CpuMatrix.PanelOutputs * sizeof(float);
            scales++;
        }
    }

    /// <summary>4 rows, 4 panels: 16 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels4(int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
    {
        new Span<float>(result, 16 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default, a01 = default, a02 = default, a03 = default;
            Vector512<int> a10 = default, a11 = default, a12 = default, a13 = default;
            Vector512<int> a20 = default, a21 = default, a22 = default, a23 = default;
            Vector512<int> a30 = default, a31 = default, a32 = default, a33 = default;
            for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> w1 = Int8Dot.Load512(w + panelBytes);
                Vector512<short> w2 = Int8Dot.Load512(w + (2 * panelBytes));
                Vector512<short> w3 = Int8Dot.Load512(w + (3 * panelBytes));
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                a00 = Int8Dot.Add(a00, w0, b0);
                a01 = Int8Dot.Add(a01, w1, b0);
                a02 = Int8Dot.Add(a02, w2, b0);
                a03 = Int8Dot.Add(a03, w3, b0);
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                a10 = Int8Dot.Add(a10, w0, b1);
                a11 = Int8Dot.Add(a11, w1, b1);
                a12 = Int8Dot.Add(a12, w2, b1);
                a13 = Int8Dot.Add(a13, w3, b1);
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                a20 = Int8Dot.Add(a20, w0, b2);
                a21 = Int8Dot.Add(a21, w1, b2);
                a22 = Int8Dot.Add(a22, w2, b2);
                a23 = Int8Dot.Add(a23, w3, b2);
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                a30 = Int8Dot.Add(a30, w0, b3);
                a31 = Int8Dot.Add(a31, w1, b3);
                a32 = Int8Dot.Add(a32, w2, b3);
                a33 = Int8Dot.Add(a33, w3, b3);
                w += Int8Layout.PairBytes;
                x++;
            }

            AddGroup(result, a00, w, *scales);
            AddGroup(result + 16, a01, w + panelBytes, *scales);
            AddGroup(result + 32, a02, w + (2 * panelBytes), *scales);
            AddGroup(result + 48, a03, w + (3 * panelBytes), *scales);
            AddGroup(result + 64, a10, w, scales[scaleStride]);
            AddGroup(result + 80, a11, w + panelBytes, scales[scaleStride]);
            AddGroup(result + 96, a12, w + (2 * panelBytes), scales[scaleStride]);
            AddGroup(result + 112, a13, w + (3 * panelBytes), scales[scaleStride]);
            AddGroup(result + 128, a20, w, scales[2 * scaleStride]);
            AddGroup(result + 144, a21, w + panelBytes, scales[2 * scaleStride]);
            AddGroup(result + 160, a22, w + (2 * panelBytes), scales[2 * scaleStride]);
            AddGroup(result + 176, a23, w + (3 * panelBytes), scales[2 * scaleStride]);
            AddGroup(result + 192, a30, w, scales[3 * scaleStride]);
            AddGroup(result + 208, a31, w + panelBytes, scales[3 * scaleStride]);
            AddGroup(result + 224, a32, w + (2 * panelBytes), scales[3 * scaleStride]);
            AddGroup(result + 240, a33, w + (3 * panelBytes), scales[3 * scaleStride]);
            w += CpuMatrix.PanelOutputs * sizeof(float);
            scales++;
        }
    }

    /// <summary>4 rows, 1 panel: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1(int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
    {
        new Span<float>(result, 4 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default;
            Vector512<int> a10 = default;
            Vector512<int> a20 = default;
            Vector512<int> a30 = default;
            for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                a00 = Int8Dot.Add(a00, w0, b0);
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                a10 = Int8Dot.Add(a10, w0, b1);
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                a20 = Int8Dot.Add(a20, w0, b2);
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                a30 = Int8Dot.Add(a30, w0, b3);
                w += Int8Layout.PairBytes;
                x++;
            }

            AddGroup(result, a00, w, *scales);
            AddGroup(result + 16, a10, w, scales[scaleStride]);
            AddGroup(result + 32, a20, w, scales[2 * scaleStride]);
            AddGroup(result + 48, a30, w, scales[3 * scaleStride]);
            w += CpuMatrix.PanelOutputs * sizeof(float);
            scales++;
        }
    }

    /// <summary>1 row, 4 panels: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels4(int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
    {
        new Span<float>(result, 4 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default, a01 = default, a02 = default, a03 = default;
            for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> w1 = Int8Dot.Load512(w + panelBytes);
                Vector512<short> w2 = Int8Dot.Load512(w + (2 * panelBytes));
                Vector512<short> w3 = Int8Dot.Load512(w + (3 * panelBytes));
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                a00 = Int8Dot.Add(a00, w0, b0);
                a01 = Int8Dot.Add(a01, w1, b0);
                a02 = Int8Dot.Add(a02, w2, b0);
                a03 = Int8Dot.Add(a03, w3, b0);
                w += Int8Layout.PairBytes;
                x++;
            }

            AddGroup(result, a00, w, *scales);
            AddGroup(result + 16, a01, w + panelBytes, *scales);
            AddGroup(result + 32, a02, w + (2 * panelBytes), *scales);
            AddGroup(result + 48, a03, w + (3 * panelBytes), *scales);
            w += CpuMatrix.PanelOutputs * sizeof(float);
            scales++;
        }
    }

    /// <summary>1 row, 1 panel: 1 accumulator.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1(int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
    {
        new Span<float>(result, 1 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default;
            for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                a00 = Int8Dot.Add(a00, w0, b0);
                w += Int8Layout.PairBytes;
                x++;
            }

            AddGroup(result, a00, w, *scales);
            w += CpuMatrix.PanelOutputs * sizeof(float);
            scales++;
        }
    }

    /// <summary><c>result = fma(sums, weight scale · x scale, result)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup(float* result, Vector512<int> sums, byte* weightScales, float scale)
        => Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sums), Vector512.Load((float*)weightScales) * scale, Vector512.Load(result)).Store(result);
}
