using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The int8 product's inner loops in 256 bits: R rows of x times P panels of weights. The integer sums of a group stay in registers; behind
/// the group they are added to the result.
/// </summary>
/// <remarks>
/// x is row 0 in pairs of 16-bit integers, rows <c>stride</c> pairs apart; scales are its scales, rows <c>scaleStride</c> apart; w is panel
/// 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Sums of a group are exact and groups are added in order, so all
/// shapes and widths give the same bits.
/// </remarks>
internal static unsafe class Int8Kernels256
{
    /// <summary>6 rows, 1 panel: 12 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows6Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 6 * Lanes.Count).Clear();
        int* x4 = x + (4 * stride);
        for (int group = 0; group < groups; group++)
        {
            Vector256<int> a00a = default, a00b = default;
            Vector256<int> a10a = default, a10b = default;
            Vector256<int> a20a = default, a20b = default;
            Vector256<int> a30a = default, a30b = default;
            Vector256<int> a40a = default, a40b = default;
            Vector256<int> a50a = default, a50b = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector256<short> w0a = Int8Dot.Load256(w, 0);
                Vector256<short> w0b = Int8Dot.Load256(w, 1);
                Vector256<short> b0 = Vector256.Create(*x).AsInt16();
                a00a = Int8Dot.Add(a00a, w0a, b0);
                a00b = Int8Dot.Add(a00b, w0b, b0);
                Vector256<short> b1 = Vector256.Create(x[stride]).AsInt16();
                a10a = Int8Dot.Add(a10a, w0a, b1);
                a10b = Int8Dot.Add(a10b, w0b, b1);
                Vector256<short> b2 = Vector256.Create(x[2 * stride]).AsInt16();
                a20a = Int8Dot.Add(a20a, w0a, b2);
                a20b = Int8Dot.Add(a20b, w0b, b2);
                Vector256<short> b3 = Vector256.Create(x[3 * stride]).AsInt16();
                a30a = Int8Dot.Add(a30a, w0a, b3);
                a30b = Int8Dot.Add(a30b, w0b, b3);
                Vector256<short> b4 = Vector256.Create(*x4).AsInt16();
                a40a = Int8Dot.Add(a40a, w0a, b4);
                a40b = Int8Dot.Add(a40b, w0b, b4);
                Vector256<short> b5 = Vector256.Create(x4[stride]).AsInt16();
                a50a = Int8Dot.Add(a50a, w0a, b5);
                a50b = Int8Dot.Add(a50b, w0b, b5);
                w += Int8Layout.PairBytes;
                x++;
                x4++;
            }

            Vector256<float> s0a = Vector256.Load((float*)w);
            Vector256<float> s0b = Vector256.Load((float*)(w + 32));
            Vector256<float> c0 = Vector256.Create(*scales);
            AddGroup(result, a00a, s0a * c0);
            AddGroup(result + 8, a00b, s0b * c0);
            Vector256<float> c1 = Vector256.Create(scales[scaleStride]);
            AddGroup(result + 16, a10a, s0a * c1);
            AddGroup(result + 24, a10b, s0b * c1);
            Vector256<float> c2 = Vector256.Create(scales[2 * scaleStride]);
            AddGroup(result + 32, a20a, s0a * c2);
            AddGroup(result + 40, a20b, s0b * c2);
            Vector256<float> c3 = Vector256.Create(scales[3 * scaleStride]);
            AddGroup(result + 48, a30a, s0a * c3);
            AddGroup(result + 56, a30b, s0b * c3);
            Vector256<float> c4 = Vector256.Create(scales[4 * scaleStride]);
            AddGroup(result + 64, a40a, s0a * c4);
            AddGroup(result + 72, a40b, s0b * c4);
            Vector256<float> c5 = Vector256.Create(scales[5 * scaleStride]);
            AddGroup(result + 80, a50a, s0a * c5);
            AddGroup(result + 88, a50b, s0b * c5);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>4 rows, 1 panel: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 4 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector256<int> a00a = default, a00b = default;
            Vector256<int> a10a = default, a10b = default;
            Vector256<int> a20a = default, a20b = default;
            Vector256<int> a30a = default, a30b = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector256<short> w0a = Int8Dot.Load256(w, 0);
                Vector256<short> w0b = Int8Dot.Load256(w, 1);
                Vector256<short> b0 = Vector256.Create(*x).AsInt16();
                a00a = Int8Dot.Add(a00a, w0a, b0);
                a00b = Int8Dot.Add(a00b, w0b, b0);
                Vector256<short> b1 = Vector256.Create(x[stride]).AsInt16();
                a10a = Int8Dot.Add(a10a, w0a, b1);
                a10b = Int8Dot.Add(a10b, w0b, b1);
                Vector256<short> b2 = Vector256.Create(x[2 * stride]).AsInt16();
                a20a = Int8Dot.Add(a20a, w0a, b2);
                a20b = Int8Dot.Add(a20b, w0b, b2);
                Vector256<short> b3 = Vector256.Create(x[3 * stride]).AsInt16();
                a30a = Int8Dot.Add(a30a, w0a, b3);
                a30b = Int8Dot.Add(a30b, w0b, b3);
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector256<float> s0a = Vector256.Load((float*)w);
            Vector256<float> s0b = Vector256.Load((float*)(w + 32));
            Vector256<float> c0 = Vector256.Create(*scales);
            AddGroup(result, a00a, s0a * c0);
            AddGroup(result + 8, a00b, s0b * c0);
            Vector256<float> c1 = Vector256.Create(scales[scaleStride]);
            AddGroup(result + 16, a10a, s0a * c1);
            AddGroup(result + 24, a10b, s0b * c1);
            Vector256<float> c2 = Vector256.Create(scales[2 * scaleStride]);
            AddGroup(result + 32, a20a, s0a * c2);
            AddGroup(result + 40, a20b, s0b * c2);
            Vector256<float> c3 = Vector256.Create(scales[3 * scaleStride]);
            AddGroup(result + 48, a30a, s0a * c3);
            AddGroup(result + 56, a30b, s0b * c3);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>1 row, 2 panels: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels2<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 2 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector256<int> a00a = default, a00b = default, a01a = default, a01b = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector256<short> w0a = Int8Dot.Load256(w, 0);
                Vector256<short> w0b = Int8Dot.Load256(w, 1);
                Vector256<short> w1a = Int8Dot.Load256(w + panelBytes, 0);
                Vector256<short> w1b = Int8Dot.Load256(w + panelBytes, 1);
                Vector256<short> b0 = Vector256.Create(*x).AsInt16();
                a00a = Int8Dot.Add(a00a, w0a, b0);
                a00b = Int8Dot.Add(a00b, w0b, b0);
                a01a = Int8Dot.Add(a01a, w1a, b0);
                a01b = Int8Dot.Add(a01b, w1b, b0);
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector256<float> s0a = Vector256.Load((float*)w);
            Vector256<float> s0b = Vector256.Load((float*)(w + 32));
            Vector256<float> s1a = Vector256.Load((float*)(w + panelBytes));
            Vector256<float> s1b = Vector256.Load((float*)(w + panelBytes + 32));
            Vector256<float> c0 = Vector256.Create(*scales);
            AddGroup(result, a00a, s0a * c0);
            AddGroup(result + 8, a00b, s0b * c0);
            AddGroup(result + 16, a01a, s1a * c0);
            AddGroup(result + 24, a01b, s1b * c0);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>1 row, 1 panel: 2 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 1 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector256<int> a00a = default, a00b = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector256<short> w0a = Int8Dot.Load256(w, 0);
                Vector256<short> w0b = Int8Dot.Load256(w, 1);
                Vector256<short> b0 = Vector256.Create(*x).AsInt16();
                a00a = Int8Dot.Add(a00a, w0a, b0);
                a00b = Int8Dot.Add(a00b, w0b, b0);
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector256<float> s0a = Vector256.Load((float*)w);
            Vector256<float> s0b = Vector256.Load((float*)(w + 32));
            Vector256<float> c0 = Vector256.Create(*scales);
            AddGroup(result, a00a, s0a * c0);
            AddGroup(result + 8, a00b, s0b * c0);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary><c>result = fma(sums, scales, result)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup(float* result, Vector256<int> sums, Vector256<float> scales)
        => Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(sums), scales, Vector256.Load(result)).Store(result);
}
