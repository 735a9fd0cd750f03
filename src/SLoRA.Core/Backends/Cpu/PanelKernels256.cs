using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product's inner loops in 256 bits: R rows of x times P panels of weights, accumulators in registers from the first input
/// to the last. Each is a leaf that calls nothing, or the accumulators would be spilled on every iteration.
/// </summary>
/// <remarks>
/// x is row 0, rows <c>stride</c> elements apart; w is panel 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. The kernel
/// for the most rows asks for what lies <c>fetch</c> bytes behind the weights that it uses, so that memory works while it computes.
/// Every element is <c>fma(w[k], x[k], …)</c> over k = 0, 1, 2, … from zero, so all shapes and widths give the same bits.
/// </remarks>
internal static unsafe class PanelKernels256
{
    /// <summary>6 rows, 1 panel: 12 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows6Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, nint fetch, float* result)
        where T : struct, IPanelWeights
    {
        Vector256<float> a00a = default, a00b = default;
        Vector256<float> a10a = default, a10b = default;
        Vector256<float> a20a = default, a20b = default;
        Vector256<float> a30a = default, a30b = default;
        Vector256<float> a40a = default, a40b = default;
        Vector256<float> a50a = default, a50b = default;
        float* x4 = x + (4 * stride);
        for (int pair = 0; pair < pairs; pair++)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(w + fetch);
            }

            Vector256<float> even0a = T.LoadEven(w, 0);
            Vector256<float> even0b = T.LoadEven(w, 1);
            Vector256<float> e0 = Vector256.Create(*x);
            a00a = Vector256.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector256.FusedMultiplyAdd(even0b, e0, a00b);
            Vector256<float> e1 = Vector256.Create(x[stride]);
            a10a = Vector256.FusedMultiplyAdd(even0a, e1, a10a);
            a10b = Vector256.FusedMultiplyAdd(even0b, e1, a10b);
            Vector256<float> e2 = Vector256.Create(x[2 * stride]);
            a20a = Vector256.FusedMultiplyAdd(even0a, e2, a20a);
            a20b = Vector256.FusedMultiplyAdd(even0b, e2, a20b);
            Vector256<float> e3 = Vector256.Create(x[3 * stride]);
            a30a = Vector256.FusedMultiplyAdd(even0a, e3, a30a);
            a30b = Vector256.FusedMultiplyAdd(even0b, e3, a30b);
            Vector256<float> e4 = Vector256.Create(*x4);
            a40a = Vector256.FusedMultiplyAdd(even0a, e4, a40a);
            a40b = Vector256.FusedMultiplyAdd(even0b, e4, a40b);
            Vector256<float> e5 = Vector256.Create(x4[stride]);
            a50a = Vector256.FusedMultiplyAdd(even0a, e5, a50a);
            a50b = Vector256.FusedMultiplyAdd(even0b, e5, a50b);
            Vector256<float> odd0a = T.LoadOdd(w, 0);
            Vector256<float> odd0b = T.LoadOdd(w, 1);
            Vector256<float> o0 = Vector256.Create(x[1]);
            a00a = Vector256.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector256.FusedMultiplyAdd(odd0b, o0, a00b);
            Vector256<float> o1 = Vector256.Create(x[stride + 1]);
            a10a = Vector256.FusedMultiplyAdd(odd0a, o1, a10a);
            a10b = Vector256.FusedMultiplyAdd(odd0b, o1, a10b);
            Vector256<float> o2 = Vector256.Create(x[(2 * stride) + 1]);
            a20a = Vector256.FusedMultiplyAdd(odd0a, o2, a20a);
            a20b = Vector256.FusedMultiplyAdd(odd0b, o2, a20b);
            Vector256<float> o3 = Vector256.Create(x[(3 * stride) + 1]);
            a30a = Vector256.FusedMultiplyAdd(odd0a, o3, a30a);
            a30b = Vector256.FusedMultiplyAdd(odd0b, o3, a30b);
            Vector256<float> o4 = Vector256.Create(x4[1]);
            a40a = Vector256.FusedMultiplyAdd(odd0a, o4, a40a);
            a40b = Vector256.FusedMultiplyAdd(odd0b, o4, a40b);
            Vector256<float> o5 = Vector256.Create(x4[stride + 1]);
            a50a = Vector256.FusedMultiplyAdd(odd0a, o5, a50a);
            a50b = Vector256.FusedMultiplyAdd(odd0b, o5, a50b);
            w += T.PairBytes;
            x += 2;
            x4 += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 8);
        a10a.Store(result + 16);
        a10b.Store(result + 24);
        a20a.Store(result + 32);
        a20b.Store(result + 40);
        a30a.Store(result + 48);
        a30b.Store(result + 56);
        a40a.Store(result + 64);
        a40b.Store(result + 72);
        a50a.Store(result + 80);
        a50b.Store(result + 88);
    }

    /// <summary>4 rows, 1 panel: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector256<float> a00a = default, a00b = default;
        Vector256<float> a10a = default, a10b = default;
        Vector256<float> a20a = default, a20b = default;
        Vector256<float> a30a = default, a30b = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            Vector256<float> even0a = T.LoadEven(w, 0);
            Vector256<float> even0b = T.LoadEven(w, 1);
            Vector256<float> e0 = Vector256.Create(*x);
            a00a = Vector256.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector256.FusedMultiplyAdd(even0b, e0, a00b);
            Vector256<float> e1 = Vector256.Create(x[stride]);
            a10a = Vector256.FusedMultiplyAdd(even0a, e1, a10a);
            a10b = Vector256.FusedMultiplyAdd(even0b, e1, a10b);
            Vector256<float> e2 = Vector256.Create(x[2 * stride]);
            a20a = Vector256.FusedMultiplyAdd(even0a, e2, a20a);
            a20b = Vector256.FusedMultiplyAdd(even0b, e2, a20b);
            Vector256<float> e3 = Vector256.Create(x[3 * stride]);
            a30a = Vector256.FusedMultiplyAdd(even0a, e3, a30a);
            a30b = Vector256.FusedMultiplyAdd(even0b, e3, a30b);
            Vector256<float> odd0a = T.LoadOdd(w, 0);
            Vector256<float> odd0b = T.LoadOdd(w, 1);
            Vector256<float> o0 = Vector256.Create(x[1]);
            a00a = Vector256.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector256.FusedMultiplyAdd(odd0b, o0, a00b);
            Vector256<float> o1 = Vector256.Create(x[stride + 1]);
            a10a = Vector256.FusedMultiplyAdd(odd0a, o1, a10a);
            a10b = Vector256.FusedMultiplyAdd(odd0b, o1, a10b);
            Vector256<float> o2 = Vector256.Create(x[(2 * stride) + 1]);
            a20a = Vector256.FusedMultiplyAdd(odd0a, o2, a20a);
            a20b = Vector256.FusedMultiplyAdd(odd0b, o2, a20b);
            Vector256<float> o3 = Vector256.Create(x[(3 * stride) + 1]);
            a30a = Vector256.FusedMultiplyAdd(odd0a, o3, a30a);
            a30b = Vector256.FusedMultiplyAdd(odd0b, o3, a30b);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 8);
        a10a.Store(result + 16);
        a10b.Store(result + 24);
        a20a.Store(result + 32);
        a20b.Store(result + 40);
        a30a.Store(result + 48);
        a30b.Store(result + 56);
    }

    /// <summary>2 rows, 2 panels: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows2Panels2<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector256<float> a00a = default, a00b = default, a01a = default, a01b = default;
        Vector256<float> a10a = default, a10b = default, a11a = default, a11b = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, 0, out Vector256<float> even0a, out Vector256<float> odd0a);
            T.Load(w, 1, out Vector256<float> even0b, out Vector256<float> odd0b);
            T.Load(w + panelBytes, 0, out Vector256<float> even1a, out Vector256<float> odd1a);
            T.Load(w + panelBytes, 1, out Vector256<float> even1b, out Vector256<float> odd1b);
            Vector256<float> e0 = Vector256.Create(*x);
            a00a = Vector256.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector256.FusedMultiplyAdd(even0b, e0, a00b);
            a01a = Vector256.FusedMultiplyAdd(even1a, e0, a01a);
            a01b = Vector256.FusedMultiplyAdd(even1b, e0, a01b);
            Vector256<float> e1 = Vector256.Create(x[stride]);
            a10a = Vector256.FusedMultiplyAdd(even0a, e1, a10a);
            a10b = Vector256.FusedMultiplyAdd(even0b, e1, a10b);
            a11a = Vector256.FusedMultiplyAdd(even1a, e1, a11a);
            a11b = Vector256.FusedMultiplyAdd(even1b, e1, a11b);
            Vector256<float> o0 = Vector256.Create(x[1]);
            a00a = Vector256.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector256.FusedMultiplyAdd(odd0b, o0, a00b);
            a01a = Vector256.FusedMultiplyAdd(odd1a, o0, a01a);
            a01b = Vector256.FusedMultiplyAdd(odd1b, o0, a01b);
            Vector256<float> o1 = Vector256.Create(x[stride + 1]);
            a10a = Vector256.FusedMultiplyAdd(odd0a, o1, a10a);
            a10b = Vector256.FusedMultiplyAdd(odd0b, o1, a10b);
            a11a = Vector256.FusedMultiplyAdd(odd1a, o1, a11a);
            a11b = Vector256.FusedMultiplyAdd(odd1b, o1, a11b);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 8);
        a01a.Store(result + 16);
        a01b.Store(result + 24);
        a10a.Store(result + 32);
        a10b.Store(result + 40);
        a11a.Store(result + 48);
        a11b.Store(result + 56);
    }

    /// <summary>2 rows, 1 panel: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows2Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector256<float> a00a = default, a00b = default;
        Vector256<float> a10a = default, a10b = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, 0, out Vector256<float> even0a, out Vector256<float> odd0a);
            T.Load(w, 1, out Vector256<float> even0b, out Vector256<float> odd0b);
            Vector256<float> e0 = Vector256.Create(*x);
            a00a = Vector256.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector256.FusedMultiplyAdd(even0b, e0, a00b);
            Vector256<float> e1 = Vector256.Create(x[stride]);
            a10a = Vector256.FusedMultiplyAdd(even0a, e1, a10a);
            a10b = Vector256.FusedMultiplyAdd(even0b, e1, a10b);
            Vector256<float> o0 = Vector256.Create(x[1]);
            a00a = Vector256.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector256.FusedMultiplyAdd(odd0b, o0, a00b);
            Vector256<float> o1 = Vector256.Create(x[stride + 1]);
            a10a = Vector256.FusedMultiplyAdd(odd0a, o1, a10a);
            a10b = Vector256.FusedMultiplyAdd(odd0b, o1, a10b);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 8);
        a10a.Store(result + 16);
        a10b.Store(result + 24);
    }

    /// <summary>1 row, 4 panels: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels4<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector256<float> a00a = default, a00b = default, a01a = default, a01b = default, a02a = default, a02b = default, a03a = default,
            a03b = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, 0, out Vector256<float> even0a, out Vector256<float> odd0a);
            T.Load(w, 1, out Vector256<float> even0b, out Vector256<float> odd0b);
            T.Load(w + panelBytes, 0, out Vector256<float> even1a, out Vector256<float> odd1a);
            T.Load(w + panelBytes, 1, out Vector256<float> even1b, out Vector256<float> odd1b);
            T.Load(w + (2 * panelBytes), 0, out Vector256<float> even2a, out Vector256<float> odd2a);
            T.Load(w + (2 * panelBytes), 1, out Vector256<float> even2b, out Vector256<float> odd2b);
            T.Load(w + (3 * panelBytes), 0, out Vector256<float> even3a, out Vector256<float> odd3a);
            T.Load(w + (3 * panelBytes), 1, out Vector256<float> even3b, out Vector256<float> odd3b);
            Vector256<float> e0 = Vector256.Create(*x);
            a00a = Vector256.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector256.FusedMultiplyAdd(even0b, e0, a00b);
            a01a = Vector256.FusedMultiplyAdd(even1a, e0, a01a);
            a01b = Vector256.FusedMultiplyAdd(even1b, e0, a01b);
            a02a = Vector256.FusedMultiplyAdd(even2a, e0, a02a);
            a02b = Vector256.FusedMultiplyAdd(even2b, e0, a02b);
            a03a = Vector256.FusedMultiplyAdd(even3a, e0, a03a);
            a03b = Vector256.FusedMultiplyAdd(even3b, e0, a03b);
            Vector256<float> o0 = Vector256.Create(x[1]);
            a00a = Vector256.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector256.FusedMultiplyAdd(odd0b, o0, a00b);
            a01a = Vector256.FusedMultiplyAdd(odd1a, o0, a01a);
            a01b = Vector256.FusedMultiplyAdd(odd1b, o0, a01b);
            a02a = Vector256.FusedMultiplyAdd(odd2a, o0, a02a);
            a02b = Vector256.FusedMultiplyAdd(odd2b, o0, a02b);
            a03a = Vector256.FusedMultiplyAdd(odd3a, o0, a03a);
            a03b = Vector256.FusedMultiplyAdd(odd3b, o0, a03b);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 8);
        a01a.Store(result + 16);
        a01b.Store(result + 24);
        a02a.Store(result + 32);
        a02b.Store(result + 40);
        a03a.Store(result + 48);
        a03b.Store(result + 56);
    }

    /// <summary>1 row, 1 panel: 2 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector256<float> a00a = default, a00b = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, 0, out Vector256<float> even0a, out Vector256<float> odd0a);
            T.Load(w, 1, out Vector256<float> even0b, out Vector256<float> odd0b);
            Vector256<float> e0 = Vector256.Create(*x);
            a00a = Vector256.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector256.FusedMultiplyAdd(even0b, e0, a00b);
            Vector256<float> o0 = Vector256.Create(x[1]);
            a00a = Vector256.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector256.FusedMultiplyAdd(odd0b, o0, a00b);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 8);
    }
}
