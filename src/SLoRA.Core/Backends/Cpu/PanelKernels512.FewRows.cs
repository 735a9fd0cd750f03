using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <content>One and two rows, where memory is the limit: as many panels side by side as keep it busy.</content>
internal static unsafe partial class PanelKernels512
{
    /// <summary>2 rows, 4 panels: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows2Panels4<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, nint fetch, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default, a01 = default, a02 = default, a03 = default;
        Vector512<float> a10 = default, a11 = default, a12 = default, a13 = default;
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
    }

    /// <summary>2 rows, 1 panel: 2 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows2Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default;
        Vector512<float> a10 = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, out Vector512<float> even0, out Vector512<float> odd0);
            Vector512<float> e0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(even0, e0, a00);
            Vector512<float> e1 = Vector512.Create(x[stride]);
            a10 = Vector512.FusedMultiplyAdd(even0, e1, a10);
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            Vector512<float> o1 = Vector512.Create(x[stride + 1]);
            a10 = Vector512.FusedMultiplyAdd(odd0, o1, a10);
            w += T.PairBytes;
            x += 2;
        }

        a00.Store(result);
        a10.Store(result + 16);
    }

    /// <summary>1 row, 4 panels: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels4<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, nint fetch, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default, a01 = default, a02 = default, a03 = default;
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
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            a01 = Vector512.FusedMultiplyAdd(odd1, o0, a01);
            a02 = Vector512.FusedMultiplyAdd(odd2, o0, a02);
            a03 = Vector512.FusedMultiplyAdd(odd3, o0, a03);
            w += T.PairBytes;
            x += 2;
        }

        a00.Store(result);
        a01.Store(result + 16);
        a02.Store(result + 32);
        a03.Store(result + 48);
    }

    /// <summary>1 row, 1 panel: 1 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector512<float> a00 = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, out Vector512<float> even0, out Vector512<float> odd0);
            Vector512<float> e0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(even0, e0, a00);
            Vector512<float> o0 = Vector512.Create(x[1]);
            a00 = Vector512.FusedMultiplyAdd(odd0, o0, a00);
            w += T.PairBytes;
            x += 2;
        }

        a00.Store(result);
    }
}
