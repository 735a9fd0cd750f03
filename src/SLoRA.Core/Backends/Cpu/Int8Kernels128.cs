using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The int8 product's inner loops in 128 bits: R rows of x times P panels of weights. The integer sums of a group stay in registers; behind
/// the group they are added to the result.
/// </summary>
/// <remarks>
/// x is row 0 in pairs of 16-bit integers, rows <c>stride</c> pairs apart; scales are its scales, rows <c>scaleStride</c> apart; w is panel
/// 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Sums of a group are exact and groups are added in order, so all
/// shapes and widths give the same bits.
/// </remarks>
internal static unsafe class Int8Kernels128
{
    /// <summary>4 rows, 1 panel: 16 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 4 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector128<int> a00a = default, a00b = default, a00c = default, a00d = default;
            Vector128<int> a10a = default, a10b = default, a10c = default, a10d = default;
            Vector128<int> a20a = default, a20b = default, a20c = default, a20d = default;
            Vector128<int> a30a = default, a30b = default, a30c = default, a30d = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector128<short> w0a = Int8Dot.Load128(w, 0);
                Vector128<short> w0b = Int8Dot.Load128(w, 1);
                Vector128<short> w0c = Int8Dot.Load128(w, 2);
                Vector128<short> w0d = Int8Dot.Load128(w, 3);
                Vector128<short> b0 = Vector128.Create(*x).AsInt16();
                a00a = Int8Dot.Add(a00a, w0a, b0);
                a00b = Int8Dot.Add(a00b, w0b, b0);
                a00c = Int8Dot.Add(a00c, w0c, b0);
                a00d = Int8Dot.Add(a00d, w0d, b0);
                Vector128<short> b1 = Vector128.Create(x[stride]).AsInt16();
                a10a = Int8Dot.Add(a10a, w0a, b1);
                a10b = Int8Dot.Add(a10b, w0b, b1);
                a10c = Int8Dot.Add(a10c, w0c, b1);
                a10d = Int8Dot.Add(a10d, w0d, b1);
                Vector128<short> b2 = Vector128.Create(x[2 * stride]).AsInt16();
                a20a = Int8Dot.Add(a20a, w0a, b2);
                a20b = Int8Dot.Add(a20b, w0b, b2);
                a20c = Int8Dot.Add(a20c, w0c, b2);
                a20d = Int8Dot.Add(a20d, w0d, b2);
                Vector128<short> b3 = Vector128.Create(x[3 * stride]).AsInt16();
                a30a = Int8Dot.Add(a30a, w0a, b3);
                a30b = Int8Dot.Add(a30b, w0b, b3);
                a30c = Int8Dot.Add(a30c, w0c, b3);
                a30d = Int8Dot.Add(a30d, w0d, b3);
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector128<float> s0a = Vector128.Load((float*)w);
            Vector128<float> s0b = Vector128.Load((float*)(w + 16));
            Vector128<float> s0c = Vector128.Load((float*)(w + 32));
            Vector128<float> s0d = Vector128.Load((float*)(w + 48));
            Vector128<float> c0 = Vector128.Create(*scales);
            AddGroup(result, a00a, s0a * c0);
            AddGroup(result + 4, a00b, s0b * c0);
            AddGroup(result + 8, a00c, s0c * c0);
            AddGroup(result + 12, a00d, s0d * c0);
            Vector128<float> c1 = Vector128.Create(scales[scaleStride]);
            AddGroup(result + 16, a10a, s0a * c1);
            AddGroup(result + 20, a10b, s0b * c1);
            AddGroup(result + 24, a10c, s0c * c1);
            AddGroup(result + 28, a10d, s0d * c1);
            Vector128<float> c2 = Vector128.Create(scales[2 * scaleStride]);
            AddGroup(result + 32, a20a, s0a * c2);
            AddGroup(result + 36, a20b, s0b * c2);
            AddGroup(result + 40, a20c, s0c * c2);
            AddGroup(result + 44, a20d, s0d * c2);
            Vector128<float> c3 = Vector128.Create(scales[3 * scaleStride]);
            AddGroup(result + 48, a30a, s0a * c3);
            AddGroup(result + 52, a30b, s0b * c3);
            AddGroup(result + 56, a30c, s0c * c3);
            AddGroup(result + 60, a30d, s0d * c3);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary>1 row, 1 panel: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1<T>(
        int* x, nint stride, float* scales, nint scaleStride, byte* w, nint panelBytes, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, 1 * Lanes.Count).Clear();
        for (int group = 0; group < groups; group++)
        {
            Vector128<int> a00a = default, a00b = default, a00c = default, a00d = default;
            for (int pair = 0; pair < T.Pairs; pair++)
            {
                Vector128<short> w0a = Int8Dot.Load128(w, 0);
                Vector128<short> w0b = Int8Dot.Load128(w, 1);
                Vector128<short> w0c = Int8Dot.Load128(w, 2);
                Vector128<short> w0d = Int8Dot.Load128(w, 3);
                Vector128<short> b0 = Vector128.Create(*x).AsInt16();
                a00a = Int8Dot.Add(a00a, w0a, b0);
                a00b = Int8Dot.Add(a00b, w0b, b0);
                a00c = Int8Dot.Add(a00c, w0c, b0);
                a00d = Int8Dot.Add(a00d, w0d, b0);
                w += Int8Layout.PairBytes;
                x++;
            }

            Vector128<float> s0a = Vector128.Load((float*)w);
            Vector128<float> s0b = Vector128.Load((float*)(w + 16));
            Vector128<float> s0c = Vector128.Load((float*)(w + 32));
            Vector128<float> s0d = Vector128.Load((float*)(w + 48));
            Vector128<float> c0 = Vector128.Create(*scales);
            AddGroup(result, a00a, s0a * c0);
            AddGroup(result + 4, a00b, s0b * c0);
            AddGroup(result + 8, a00c, s0c * c0);
            AddGroup(result + 12, a00d, s0d * c0);
            w += Int8Layout.ScaleBytes;
            scales++;
        }
    }

    /// <summary><c>result = fma(sums, scales, result)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup(float* result, Vector128<int> sums, Vector128<float> scales)
        => MultiplyAdd.Of(Vector128.ConvertToSingle(sums), scales, Vector128.Load(result)).Store(result);
}
