using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product's inner loops in 512 bits: R rows of x times P panels of weights, accumulators in registers from the first input
/// to the last. Each is a leaf that calls nothing, or the accumulators would be spilled on every iteration.
/// </summary>
/// <remarks>
/// x is row 0, rows <c>stride</c> elements apart; w is panel 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Kernels of
/// several panels ask for what lies <c>fetch</c> bytes behind the weights that they use, so that memory works while they compute.
/// Every element is <c>fma(w[k], x[k], …)</c> over k = 0, 1, 2, … from zero, so all shapes and widths give the same bits.
/// </remarks>
internal static unsafe partial class PanelKernels512
{
    /// <summary>8 rows, 3 panels: 24 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows8Panels3<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, nint fetch, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default, a01 = default, a02 = default;
        Vector512<float> a10 = default, a11 = default, a12 = default;
        Vector512<float> a20 = default, a21 = default, a22 = default;
        Vector512<float> a30 = default, a31 = default, a32 = default;
        Vector512<float> a40 = default, a41 = default, a42 = default;
        Vector512<float> a50 = default, a51 = default, a52 = default;
        Vector512<float> a60 = default, a61 = default, a62 = default;
        Vector512<float> a70 = default, a71 = default, a72 = default;
        float* x4 = x + (4 * stride);
        for (int pair = 0; pair < pairs; pair++)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(w + fetch);
                Sse.Prefetch1(w + fetch + panelBytes);
                Sse.Prefetch1(w + fetch + (2 * panelBytes));
            }

            T.Load(w, out Vector512<float> even0, out Vector512<float> odd0);
            T.Load(w + panelBytes, out Vector512<float> even1, out Vector512<float> odd1);
            T.Load(w + (2 * panelBytes), out Vector512<float> even2, out Vector512<float> odd2);
            Vector512<float> e0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(even0, e0, a00);
            a01 = Vector512.FusedMultiplyAdd(even1, e0, a01);
            a02 = Vector512.FusedMultiplyAdd(even2, e0, a02);
            Vector512<float> e1 = Vector512.Create(x[stride]);
            a10 = Vector512.FusedMultiplyAdd(even0, e1, a10);
            a11 = Vector512.FusedMultiplyAdd(even1, e1, a11);
            a12 = Vector512.FusedMultiplyAdd(even2, e1, a12);
            Vector512<float> e2 = Vector512.Create(x[2 * stride]);
            a20 = Vector512.FusedMultiplyAdd(even0, e2, a20);
            a21 = Vector512.FusedMultiplyAdd(even1, e2, a21);
            a22 = Vector512.FusedMultiplyAdd(even2, e2, a22);
            Vector512<float> e3 = Vector512.Create(x[3 * stride]);
            a30 = Vector512.FusedMultiplyAdd(even0, e3, a30);
            a31 = Vector512.FusedMultiplyAdd(even1, e3, a31);
            a32 = Vector512.FusedMultiplyAdd(even2, e3, a32);
            Vector512<float> e4 = Vector512.Create(*x4);
            a40 = Vector512.FusedMultiplyAdd(even0, e4, a40);
            a41 = Vector512.FusedMultiplyAdd(even1, e4, a41);
            a42 = Vector512.FusedMultiplyAdd(even2, e4, a42);
            Vector512<float> e5 = Vector512.Create(x4[stride]);
            a50 = Vector512.FusedMultiplyAdd(even0, e5, a50);
            a51 = Vector512.FusedMultiplyAdd(even1, e5, a51);
            a52 = Vector512.FusedMultiplyAdd(even2, e5, a52);
            Vector512<float> e6 = Vector512.Create(x4[2 * stride]);
            a60 = Vector512.FusedMultiplyAdd(even0, e6, a60);
            a61 = Vector512.FusedMultiplyAdd(even1, e6, a61);
            a62 = Vector512.FusedMultiplyAdd(even2, e6, a62);
            Vector512<float> e7 = Vector512.Create(x4[3 * stride]);
            a70 = Vector512.FusedMultiplyAdd(even0, e7, a70);
            a71 = Vector512.FusedMultiplyAdd(even1, e7, a71);
            a72 = Vector512.FusedMultiplyAdd(even2, e7, a72);
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            a01 = Vector512.FusedMultiplyAdd(odd1, o0, a01);
            a02 = Vector512.FusedMultiplyAdd(odd2, o0, a02);
            Vector512<float> o1 = Vector512.Create(x[stride + 1]);
            a10 = Vector512.FusedMultiplyAdd(odd0, o1, a10);
            a11 = Vector512.FusedMultiplyAdd(odd1, o1, a11);
            a12 = Vector512.FusedMultiplyAdd(odd2, o1, a12);
            Vector512<float> o2 = Vector512.Create(x[(2 * stride) + 1]);
            a20 = Vector512.FusedMultiplyAdd(odd0, o2, a20);
            a21 = Vector512.FusedMultiplyAdd(odd1, o2, a21);
            a22 = Vector512.FusedMultiplyAdd(odd2, o2, a22);
            Vector512<float> o3 = Vector512.Create(x[(3 * stride) + 1]);
            a30 = Vector512.FusedMultiplyAdd(odd0, o3, a30);
            a31 = Vector512.FusedMultiplyAdd(odd1, o3, a31);
            a32 = Vector512.FusedMultiplyAdd(odd2, o3, a32);
            Vector512<float> o4 = Vector512.Create(x4[1]);
            a40 = Vector512.FusedMultiplyAdd(odd0, o4, a40);
            a41 = Vector512.FusedMultiplyAdd(odd1, o4, a41);
            a42 = Vector512.FusedMultiplyAdd(odd2, o4, a42);
            Vector512<float> o5 = Vector512.Create(x4[stride + 1]);
            a50 = Vector512.FusedMultiplyAdd(odd0, o5, a50);
            a51 = Vector512.FusedMultiplyAdd(odd1, o5, a51);
            a52 = Vector512.FusedMultiplyAdd(odd2, o5, a52);
            Vector512<float> o6 = Vector512.Create(x4[(2 * stride) + 1]);
            a60 = Vector512.FusedMultiplyAdd(odd0, o6, a60);
            a61 = Vector512.FusedMultiplyAdd(odd1, o6, a61);
            a62 = Vector512.FusedMultiplyAdd(odd2, o6, a62);
            Vector512<float> o7 = Vector512.Create(x4[(3 * stride) + 1]);
            a70 = Vector512.FusedMultiplyAdd(odd0, o7, a70);
            a71 = Vector512.FusedMultiplyAdd(odd1, o7, a71);
            a72 = Vector512.FusedMultiplyAdd(odd2, o7, a72);
            w += T.PairBytes;
            x += 2;
            x4 += 2;
        }

        a00.Store(result);
        a01.Store(result + 16);
        a02.Store(result + 32);
        a10.Store(result + 48);
        a11.Store(result + 64);
        a12.Store(result + 80);
        a20.Store(result + 96);
        a21.Store(result + 112);
        a22.Store(result + 128);
        a30.Store(result + 144);
        a31.Store(result + 160);
        a32.Store(result + 176);
        a40.Store(result + 192);
        a41.Store(result + 208);
        a42.Store(result + 224);
        a50.Store(result + 240);
        a51.Store(result + 256);
        a52.Store(result + 272);
        a60.Store(result + 288);
        a61.Store(result + 304);
        a62.Store(result + 320);
        a70.Store(result + 336);
        a71.Store(result + 352);
        a72.Store(result + 368);
    }

    /// <summary>8 rows, 1 panel: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows8Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default;
        Vector512<float> a10 = default;
        Vector512<float> a20 = default;
        Vector512<float> a30 = default;
        Vector512<float> a40 = default;
        Vector512<float> a50 = default;
        Vector512<float> a60 = default;
        Vector512<float> a70 = default;
        float* x4 = x + (4 * stride);
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, out Vector512<float> even0, out Vector512<float> odd0);
            Vector512<float> e0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(even0, e0, a00);
            Vector512<float> e1 = Vector512.Create(x[stride]);
            a10 = Vector512.FusedMultiplyAdd(even0, e1, a10);
            Vector512<float> e2 = Vector512.Create(x[2 * stride]);
            a20 = Vector512.FusedMultiplyAdd(even0, e2, a20);
            Vector512<float> e3 = Vector512.Create(x[3 * stride]);
            a30 = Vector512.FusedMultiplyAdd(even0, e3, a30);
            Vector512<float> e4 = Vector512.Create(*x4);
            a40 = Vector512.FusedMultiplyAdd(even0, e4, a40);
            Vector512<float> e5 = Vector512.Create(x4[stride]);
            a50 = Vector512.FusedMultiplyAdd(even0, e5, a50);
            Vector512<float> e6 = Vector512.Create(x4[2 * stride]);
            a60 = Vector512.FusedMultiplyAdd(even0, e6, a60);
            Vector512<float> e7 = Vector512.Create(x4[3 * stride]);
            a70 = Vector512.FusedMultiplyAdd(even0, e7, a70);
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            Vector512<float> o1 = Vector512.Create(x[stride + 1]);
            a10 = Vector512.FusedMultiplyAdd(odd0, o1, a10);
            Vector512<float> o2 = Vector512.Create(x[(2 * stride) + 1]);
            a20 = Vector512.FusedMultiplyAdd(odd0, o2, a20);
            Vector512<float> o3 = Vector512.Create(x[(3 * stride) + 1]);
            a30 = Vector512.FusedMultiplyAdd(odd0, o3, a30);
            Vector512<float> o4 = Vector512.Create(x4[1]);
            a40 = Vector512.FusedMultiplyAdd(odd0, o4, a40);
            Vector512<float> o5 = Vector512.Create(x4[stride + 1]);
            a50 = Vector512.FusedMultiplyAdd(odd0, o5, a50);
            Vector512<float> o6 = Vector512.Create(x4[(2 * stride) + 1]);
            a60 = Vector512.FusedMultiplyAdd(odd0, o6, a60);
            Vector512<float> o7 = Vector512.Create(x4[(3 * stride) + 1]);
            a70 = Vector512.FusedMultiplyAdd(odd0, o7, a70);
            w += T.PairBytes;
            x += 2;
            x4 += 2;
        }

        a00.Store(result);
        a10.Store(result + 16);
        a20.Store(result + 32);
        a30.Store(result + 48);
        a40.Store(result + 64);
        a50.Store(result + 80);
        a60.Store(result + 96);
        a70.Store(result + 112);
    }

    /// <summary>4 rows, 4 panels: 16 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels4<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, nint fetch, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default, a01 = default, a02 = default, a03 = default;
        Vector512<float> a10 = default, a11 = default, a12 = default, a13 = default;
        Vector512<float> a20 = default, a21 = default, a22 = default, a23 = default;
        Vector512<float> a30 = default, a31 = default, a32 = default, a33 = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(w + fetch);
                Sse.Prefetch1(w + fetch + panelBytes);
                Sse.Prefetch1(w + fetch + (2 * panelBytes));
                Sse.Prefetch1(w + fetch + (3 * panelBytes));
            }

            T.Load(w, out Vector512<float> even0, out Vector512<float> odd0);
            T.Load(w + panelBytes, out Vector512<float> even1, out Vector512<float> odd1);
            T.Load(w + (2 * panelBytes), out Vector512<float> even2, out Vector512<float> odd2);
            T.Load(w + (3 * panelBytes), out Vector512<float> even3, out Vector512<float> odd3);
            Vector512<float> e0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(even0, e0, a00);
            a01 = Vector512.FusedMultiplyAdd(even1, e0, a01);
            a02 = Vector512.FusedMultiplyAdd(even2, e0, a02);
            a03 = Vector512.FusedMultiplyAdd(even3, e0, a03);
            Vector512<float> e1 = Vector512.Create(x[stride]);
            a10 = Vector512.FusedMultiplyAdd(even0, e1, a10);
            a11 = Vector512.FusedMultiplyAdd(even1, e1, a11);
            a12 = Vector512.FusedMultiplyAdd(even2, e1, a12);
            a13 = Vector512.FusedMultiplyAdd(even3, e1, a13);
            Vector512<float> e2 = Vector512.Create(x[2 * stride]);
            a20 = Vector512.FusedMultiplyAdd(even0, e2, a20);
            a21 = Vector512.FusedMultiplyAdd(even1, e2, a21);
            a22 = Vector512.FusedMultiplyAdd(even2, e2, a22);
            a23 = Vector512.FusedMultiplyAdd(even3, e2, a23);
            Vector512<float> e3 = Vector512.Create(x[3 * stride]);
            a30 = Vector512.FusedMultiplyAdd(even0, e3, a30);
            a31 = Vector512.FusedMultiplyAdd(even1, e3, a31);
            a32 = Vector512.FusedMultiplyAdd(even2, e3, a32);
            a33 = Vector512.FusedMultiplyAdd(even3, e3, a33);
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            a01 = Vector512.FusedMultiplyAdd(odd1, o0, a01);
            a02 = Vector512.FusedMultiplyAdd(odd2, o0, a02);
            a03 = Vector512.FusedMultiplyAdd(odd3, o0, a03);
            Vector512<float> o1 = Vector512.Create(x[stride + 1]);
            a10 = Vector512.FusedMultiplyAdd(odd0, o1, a10);
            a11 = Vector512.FusedMultiplyAdd(odd1, o1, a11);
            a12 = Vector512.FusedMultiplyAdd(odd2, o1, a12);
            a13 = Vector512.FusedMultiplyAdd(odd3, o1, a13);
            Vector512<float> o2 = Vector512.Create(x[(2 * stride) + 1]);
            a20 = Vector512.FusedMultiplyAdd(odd0, o2, a20);
            a21 = Vector512.FusedMultiplyAdd(odd1, o2, a21);
            a22 = Vector512.FusedMultiplyAdd(odd2, o2, a22);
            a23 = Vector512.FusedMultiplyAdd(odd3, o2, a23);
            Vector512<float> o3 = Vector512.Create(x[(3 * stride) + 1]);
            a30 = Vector512.FusedMultiplyAdd(odd0, o3, a30);
            a31 = Vector512.FusedMultiplyAdd(odd1, o3, a31);
            a32 = Vector512.FusedMultiplyAdd(odd2, o3, a32);
            a33 = Vector512.FusedMultiplyAdd(odd3, o3, a33);
            w += T.PairBytes;
            x += 2;
        }

        a00.Store(result);
        a01.Store(result + 16);
        a02.Store(result + 32);
        a03.Store(result + 48);
        a10.Store(result + 64);
        a11.Store(result + 80);
        a12.Store(result + 96);
        a13.Store(result + 112);
        a20.Store(result + 128);
        a21.Store(result + 144);
        a22.Store(result + 160);
        a23.Store(result + 176);
        a30.Store(result + 192);
        a31.Store(result + 208);
        a32.Store(result + 224);
        a33.Store(result + 240);
    }

    /// <summary>4 rows, 1 panel: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default;
        Vector512<float> a10 = default;
        Vector512<float> a20 = default;
        Vector512<float> a30 = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, out Vector512<float> even0, out Vector512<float> odd0);
            Vector512<float> e0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(even0, e0, a00);
            Vector512<float> e1 = Vector512.Create(x[stride]);
            a10 = Vector512.FusedMultiplyAdd(even0, e1, a10);
            Vector512<float> e2 = Vector512.Create(x[2 * stride]);
            a20 = Vector512.FusedMultiplyAdd(even0, e2, a20);
            Vector512<float> e3 = Vector512.Create(x[3 * stride]);
            a30 = Vector512.FusedMultiplyAdd(even0, e3, a30);
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            Vector512<float> o1 = Vector512.Create(x[stride + 1]);
            a10 = Vector512.FusedMultiplyAdd(odd0, o1, a10);
            Vector512<float> o2 = Vector512.Create(x[(2 * stride) + 1]);
            a20 = Vector512.FusedMultiplyAdd(odd0, o2, a20);
            Vector512<float> o3 = Vector512.Create(x[(3 * stride) + 1]);
            a30 = Vector512.FusedMultiplyAdd(odd0, o3, a30);
            w += T.PairBytes;
            x += 2;
        }

        a00.Store(result);
        a10.Store(result + 16);
        a20.Store(result + 32);
        a30.Store(result + 48);
    }
}
