using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <content>Five and six rows: that many less to compute than with the kernel of eight, where memory and arithmetic take as long.</content>
internal static unsafe partial class PanelKernels512
{
    /// <summary>6 rows, 3 panels: 18 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows6Panels3<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, nint fetch, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default, a01 = default, a02 = default;
        Vector512<float> a10 = default, a11 = default, a12 = default;
        Vector512<float> a20 = default, a21 = default, a22 = default;
        Vector512<float> a30 = default, a31 = default, a32 = default;
        Vector512<float> a40 = default, a41 = default, a42 = default;
        Vector512<float> a50 = default, a51 = default, a52 = default;
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
    }

    /// <summary>6 rows, 1 panel: 6 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows6Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default;
        Vector512<float> a10 = default;
        Vector512<float> a20 = default;
        Vector512<float> a30 = default;
        Vector512<float> a40 = default;
        Vector512<float> a50 = default;
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
    }
}
