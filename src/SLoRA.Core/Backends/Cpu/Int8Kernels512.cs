using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The int8 product's inner loops in 512 bits: R rows of x times P panels of weights. The integer sums of a group stay in registers; behind
/// the group they are added to the result.
/// </summary>
/// <remarks>
/// x is row 0 in pairs of 16-bit integers, rows <c>stride</c> pairs apart; scales are its scales, rows <c>scaleStride</c> apart; w is panel
/// 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Sums of a group are exact and groups are added in order, so all
/// shapes and widths give the same bits.
/// </remarks>
internal static unsafe class Int8Kernels512
{
    /// <summary>8 rows, 3 panels: 24 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows8Panels3<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
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
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> w1 = Int8Dot.Load512(w + panelBytes);
                Vector512<short> w2 = Int8Dot.Load512(w + (2 * panelBytes));
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                Vector512<int> m00 = Int8Dot.Multiply(w0, b0);
                Vector512<int> m01 = Int8Dot.Multiply(w1, b0);
                Vector512<int> m02 = Int8Dot.Multiply(w2, b0);
                a00 += m00;
                a01 += m01;
                a02 += m02;
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                Vector512<int> m10 = Int8Dot.Multiply(w0, b1);
                Vector512<int> m11 = Int8Dot.Multiply(w1, b1);
                Vector512<int> m12 = Int8Dot.Multiply(w2, b1);
                a10 += m10;
                a11 += m11;
                a12 += m12;
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                Vector512<int> m20 = Int8Dot.Multiply(w0, b2);
                Vector512<int> m21 = Int8Dot.Multiply(w1, b2);
                Vector512<int> m22 = Int8Dot.Multiply(w2, b2);
                a20 += m20;
                a21 += m21;
                a22 += m22;
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                Vector512<int> m30 = Int8Dot.Multiply(w0, b3);
                Vector512<int> m31 = Int8Dot.Multiply(w1, b3);
                Vector512<int> m32 = Int8Dot.Multiply(w2, b3);
                a30 += m30;
                a31 += m31;
                a32 += m32;
                Vector512<short> b4 = Vector512.Create(*x4).AsInt16();
                Vector512<int> m40 = Int8Dot.Multiply(w0, b4);
                Vector512<int> m41 = Int8Dot.Multiply(w1, b4);
                Vector512<int> m42 = Int8Dot.Multiply(w2, b4);
                a40 += m40;
                a41 += m41;
                a42 += m42;
                Vector512<short> b5 = Vector512.Create(x4[stride]).AsInt16();
                Vector512<int> m50 = Int8Dot.Multiply(w0, b5);
                Vector512<int> m51 = Int8Dot.Multiply(w1, b5);
                Vector512<int> m52 = Int8Dot.Multiply(w2, b5);
                a50 += m50;
                a51 += m51;
                a52 += m52;
                Vector512<short> b6 = Vector512.Create(x4[2 * stride]).AsInt16();
                Vector512<int> m60 = Int8Dot.Multiply(w0, b6);
                Vector512<int> m61 = Int8Dot.Multiply(w1, b6);
                Vector512<int> m62 = Int8Dot.Multiply(w2, b6);
                a60 += m60;
                a61 += m61;
                a62 += m62;
                Vector512<short> b7 = Vector512.Create(x4[3 * stride]).AsInt16();
                Vector512<int> m70 = Int8Dot.Multiply(w0, b7);
                Vector512<int> m71 = Int8Dot.Multiply(w1, b7);
                Vector512<int> m72 = Int8Dot.Multiply(w2, b7);
                a70 += m70;
                a71 += m71;
                a72 += m72;
                w += Int8Layout.PairBytes;
                x++;
                x4++;
            }

            Vector512<float> s0 = Vector512.Load((float*)w);
            Vector512<float> s1 = Vector512.Load((float*)(w + panelBytes));
            Vector512<float> s2 = Vector512.Load((float*)(w + (2 * panelBytes)));
            Vector512<float> c0 = Vector512.Create(*scales);
            AddGroup(result, a00, s0 * c0);
            AddGroup(result + 16, a01, s1 * c0);
            AddGroup(result + 32, a02, s2 * c0);
            Vector512<float> c1 = Vector512.Create(scales[scaleStride]);
            AddGroup(result + 48, a10, s0 * c1);
            AddGroup(result + 64, a11, s1 * c1);
            AddGroup(result + 80, a12, s2 * c1);
            Vector512<float> c2 = Vector512.Create(scales[2 * scaleStride]);
            AddGroup(result + 96, a20, s0 * c2);
            AddGroup(result + 112, a21, s1 * c2);
            AddGroup(result + 128, a22, s2 * c2);
            Vector512<float> c3 = Vector512.Create(scales[3 * scaleStride]);
            AddGroup(result + 144, a30, s0 * c3);
            AddGroup(result + 160, a31, s1 * c3);
            AddGroup(result + 176, a32, s2 * c3);
            Vector512<float> c4 = Vector512.Create(scales[4 * scaleStride]);
            AddGroup(result + 192, a40, s0 * c4);
            AddGroup(result + 208, a41, s1 * c4);
            AddGroup(result + 224, a42, s2 * c4);
            Vector512<float> c5 = Vector512.Create(scales[5 * scaleStride]);
            AddGroup(result + 240, a50, s0 * c5);
            AddGroup(result + 256, a51, s1 * c5);
            AddGroup(result + 272, a52, s2 * c5);
            Vector512<float> c6 = Vector512.Create(scales[6 * scaleStride]);
            AddGroup(result + 288, a60, s0 * c6);
            AddGroup(result + 304, a61, s1 * c6);
            AddGroup(result + 320, a62, s2 * c6);
            Vector512<float> c7 = Vector512.Create(scales[7 * scaleStride]);
            AddGroup(result + 336, a70, s0 * c7);
            AddGroup(result + 352, a71, s1 * c7);
            AddGroup(result + 368, a72, s2 * c7);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>8 rows, 1 panel: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows8Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
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
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                Vector512<int> m00 = Int8Dot.Multiply(w0, b0);
                a00 += m00;
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                Vector512<int> m10 = Int8Dot.Multiply(w0, b1);
                a10 += m10;
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                Vector512<int> m20 = Int8Dot.Multiply(w0, b2);
                a20 += m20;
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                Vector512<int> m30 = Int8Dot.Multiply(w0, b3);
                a30 += m30;
                Vector512<short> b4 = Vector512.Create(*x4).AsInt16();
                Vector512<int> m40 = Int8Dot.Multiply(w0, b4);
                a40 += m40;
                Vector512<short> b5 = Vector512.Create(x4[stride]).AsInt16();
                Vector512<int> m50 = Int8Dot.Multiply(w0, b5);
                a50 += m50;
                Vector512<short> b6 = Vector512.Create(x4[2 * stride]).AsInt16();
                Vector512<int> m60 = Int8Dot.Multiply(w0, b6);
                a60 += m60;
                Vector512<short> b7 = Vector512.Create(x4[3 * stride]).AsInt16();
                Vector512<int> m70 = Int8Dot.Multiply(w0, b7);
                a70 += m70;
                w += Int8Layout.PairBytes;
                x++;
                x4++;
            }

            Vector512<float> s0 = Vector512.Load((float*)w);
            Vector512<float> c0 = Vector512.Create(*scales);
            AddGroup(result, a00, s0 * c0);
            Vector512<float> c1 = Vector512.Create(scales[scaleStride]);
            AddGroup(result + 16, a10, s0 * c1);
            Vector512<float> c2 = Vector512.Create(scales[2 * scaleStride]);
            AddGroup(result + 32, a20, s0 * c2);
            Vector512<float> c3 = Vector512.Create(scales[3 * scaleStride]);
            AddGroup(result + 48, a30, s0 * c3);
            Vector512<float> c4 = Vector512.Create(scales[4 * scaleStride]);
            AddGroup(result + 64, a40, s0 * c4);
            Vector512<float> c5 = Vector512.Create(scales[5 * scaleStride]);
            AddGroup(result + 80, a50, s0 * c5);
            Vector512<float> c6 = Vector512.Create(scales[6 * scaleStride]);
            AddGroup(result + 96, a60, s0 * c6);
            Vector512<float> c7 = Vector512.Create(scales[7 * scaleStride]);
            AddGroup(result + 112, a70, s0 * c7);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>4 rows, 4 panels: 16 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels4<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 16 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default, a01 = default, a02 = default, a03 = default;
            Vector512<int> a10 = default, a11 = default, a12 = default, a13 = default;
            Vector512<int> a20 = default, a21 = default, a22 = default, a23 = default;
            Vector512<int> a30 = default, a31 = default, a32 = default, a33 = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> w1 = Int8Dot.Load512(w + panelBytes);
                Vector512<short> w2 = Int8Dot.Load512(w + (2 * panelBytes));
                Vector512<short> w3 = Int8Dot.Load512(w + (3 * panelBytes));
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                Vector512<int> m00 = Int8Dot.Multiply(w0, b0);
                Vector512<int> m01 = Int8Dot.Multiply(w1, b0);
                Vector512<int> m02 = Int8Dot.Multiply(w2, b0);
                Vector512<int> m03 = Int8Dot.Multiply(w3, b0);
                a00 += m00;
                a01 += m01;
                a02 += m02;
                a03 += m03;
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                Vector512<int> m10 = Int8Dot.Multiply(w0, b1);
                Vector512<int> m11 = Int8Dot.Multiply(w1, b1);
                Vector512<int> m12 = Int8Dot.Multiply(w2, b1);
                Vector512<int> m13 = Int8Dot.Multiply(w3, b1);
                a10 += m10;
                a11 += m11;
                a12 += m12;
                a13 += m13;
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                Vector512<int> m20 = Int8Dot.Multiply(w0, b2);
                Vector512<int> m21 = Int8Dot.Multiply(w1, b2);
                Vector512<int> m22 = Int8Dot.Multiply(w2, b2);
                Vector512<int> m23 = Int8Dot.Multiply(w3, b2);
                a20 += m20;
                a21 += m21;
                a22 += m22;
                a23 += m23;
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                Vector512<int> m30 = Int8Dot.Multiply(w0, b3);
                Vector512<int> m31 = Int8Dot.Multiply(w1, b3);
                Vector512<int> m32 = Int8Dot.Multiply(w2, b3);
                Vector512<int> m33 = Int8Dot.Multiply(w3, b3);
                a30 += m30;
                a31 += m31;
                a32 += m32;
                a33 += m33;
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector512<float> s0 = Vector512.Load((float*)w);
            Vector512<float> s1 = Vector512.Load((float*)(w + panelBytes));
            Vector512<float> s2 = Vector512.Load((float*)(w + (2 * panelBytes)));
            Vector512<float> s3 = Vector512.Load((float*)(w + (3 * panelBytes)));
            Vector512<float> c0 = Vector512.Create(*scales);
            AddGroup(result, a00, s0 * c0);
            AddGroup(result + 16, a01, s1 * c0);
            AddGroup(result + 32, a02, s2 * c0);
            AddGroup(result + 48, a03, s3 * c0);
            Vector512<float> c1 = Vector512.Create(scales[scaleStride]);
            AddGroup(result + 64, a10, s0 * c1);
            AddGroup(result + 80, a11, s1 * c1);
            AddGroup(result + 96, a12, s2 * c1);
            AddGroup(result + 112, a13, s3 * c1);
            Vector512<float> c2 = Vector512.Create(scales[2 * scaleStride]);
            AddGroup(result + 128, a20, s0 * c2);
            AddGroup(result + 144, a21, s1 * c2);
            AddGroup(result + 160, a22, s2 * c2);
            AddGroup(result + 176, a23, s3 * c2);
            Vector512<float> c3 = Vector512.Create(scales[3 * scaleStride]);
            AddGroup(result + 192, a30, s0 * c3);
            AddGroup(result + 208, a31, s1 * c3);
            AddGroup(result + 224, a32, s2 * c3);
            AddGroup(result + 240, a33, s3 * c3);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>4 rows, 1 panel: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 4 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default;
            Vector512<int> a10 = default;
            Vector512<int> a20 = default;
            Vector512<int> a30 = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                Vector512<int> m00 = Int8Dot.Multiply(w0, b0);
                a00 += m00;
                Vector512<short> b1 = Vector512.Create(x[stride]).AsInt16();
                Vector512<int> m10 = Int8Dot.Multiply(w0, b1);
                a10 += m10;
                Vector512<short> b2 = Vector512.Create(x[2 * stride]).AsInt16();
                Vector512<int> m20 = Int8Dot.Multiply(w0, b2);
                a20 += m20;
                Vector512<short> b3 = Vector512.Create(x[3 * stride]).AsInt16();
                Vector512<int> m30 = Int8Dot.Multiply(w0, b3);
                a30 += m30;
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector512<float> s0 = Vector512.Load((float*)w);
            Vector512<float> c0 = Vector512.Create(*scales);
            AddGroup(result, a00, s0 * c0);
            Vector512<float> c1 = Vector512.Create(scales[scaleStride]);
            AddGroup(result + 16, a10, s0 * c1);
            Vector512<float> c2 = Vector512.Create(scales[2 * scaleStride]);
            AddGroup(result + 32, a20, s0 * c2);
            Vector512<float> c3 = Vector512.Create(scales[3 * scaleStride]);
            AddGroup(result + 48, a30, s0 * c3);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>1 row, 4 panels: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels4<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 4 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default, a01 = default, a02 = default, a03 = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> w1 = Int8Dot.Load512(w + panelBytes);
                Vector512<short> w2 = Int8Dot.Load512(w + (2 * panelBytes));
                Vector512<short> w3 = Int8Dot.Load512(w + (3 * panelBytes));
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                Vector512<int> m00 = Int8Dot.Multiply(w0, b0);
                Vector512<int> m01 = Int8Dot.Multiply(w1, b0);
                Vector512<int> m02 = Int8Dot.Multiply(w2, b0);
                Vector512<int> m03 = Int8Dot.Multiply(w3, b0);
                a00 += m00;
                a01 += m01;
                a02 += m02;
                a03 += m03;
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector512<float> s0 = Vector512.Load((float*)w);
            Vector512<float> s1 = Vector512.Load((float*)(w + panelBytes));
            Vector512<float> s2 = Vector512.Load((float*)(w + (2 * panelBytes)));
            Vector512<float> s3 = Vector512.Load((float*)(w + (3 * panelBytes)));
            Vector512<float> c0 = Vector512.Create(*scales);
            AddGroup(result, a00, s0 * c0);
            AddGroup(result + 16, a01, s1 * c0);
            AddGroup(result + 32, a02, s2 * c0);
            AddGroup(result + 48, a03, s3 * c0);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>1 row, 1 panel: 1 accumulator.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 1 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> a00 = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector512<short> w0 = Int8Dot.Load512(w);
                Vector512<short> b0 = Vector512.Create(*x).AsInt16();
                Vector512<int> m00 = Int8Dot.Multiply(w0, b0);
                a00 += m00;
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector512<float> s0 = Vector512.Load((float*)w);
            Vector512<float> c0 = Vector512.Create(*scales);
            AddGroup(result, a00, s0 * c0);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary><c>result = fma(sums, scales, result)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup(float* result, Vector512<int> sums, Vector512<float> scales)
        => Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sums), scales, Vector512.Load(result)).Store(result);
}
