using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product's inner loops in 128 bits: R rows of x times P panels of weights, accumulators in registers from the first input
/// to the last. Each is a leaf that calls nothing, or the accumulators would be spilled on every iteration.
/// </summary>
/// <remarks>
/// x is row 0, rows <c>stride</c> elements apart; w is panel 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Every
/// element is <c>fma(w[k], x[k], …)</c> over k = 0, 1, 2, … from zero, so all shapes and widths give the same bits.
/// </remarks>
internal static unsafe class PanelKernels128
{
    /// <summary>4 rows, 1 panel: 16 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector128<float> a00a = default, a00b = default, a00c = default, a00d = default;
        Vector128<float> a10a = default, a10b = default, a10c = default, a10d = default;
        Vector128<float> a20a = default, a20b = default, a20c = default, a20d = default;
        Vector128<float> a30a = default, a30b = default, a30c = default, a30d = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, 0, out Vector128<float> even0a, out Vector128<float> odd0a);
            T.Load(w, 1, out Vector128<float> even0b, out Vector128<float> odd0b);
            T.Load(w, 2, out Vector128<float> even0c, out Vector128<float> odd0c);
            T.Load(w, 3, out Vector128<float> even0d, out Vector128<float> odd0d);
            Vector128<float> e0 = Vector128.Create(*x);
            a00a = Vector128.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector128.FusedMultiplyAdd(even0b, e0, a00b);
            a00c = Vector128.FusedMultiplyAdd(even0c, e0, a00c);
            a00d = Vector128.FusedMultiplyAdd(even0d, e0, a00d);
            Vector128<float> e1 = Vector128.Create(x[stride]);
            a10a = Vector128.FusedMultiplyAdd(even0a, e1, a10a);
            a10b = Vector128.FusedMultiplyAdd(even0b, e1, a10b);
            a10c = Vector128.FusedMultiplyAdd(even0c, e1, a10c);
            a10d = Vector128.FusedMultiplyAdd(even0d, e1, a10d);
            Vector128<float> e2 = Vector128.Create(x[2 * stride]);
            a20a = Vector128.FusedMultiplyAdd(even0a, e2, a20a);
            a20b = Vector128.FusedMultiplyAdd(even0b, e2, a20b);
            a20c = Vector128.FusedMultiplyAdd(even0c, e2, a20c);
            a20d = Vector128.FusedMultiplyAdd(even0d, e2, a20d);
            Vector128<float> e3 = Vector128.Create(x[3 * stride]);
            a30a = Vector128.FusedMultiplyAdd(even0a, e3, a30a);
            a30b = Vector128.FusedMultiplyAdd(even0b, e3, a30b);
            a30c = Vector128.FusedMultiplyAdd(even0c, e3, a30c);
            a30d = Vector128.FusedMultiplyAdd(even0d, e3, a30d);
            Vector128<float> o0 = Vector128.Create(x[1]);
            a00a = Vector128.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector128.FusedMultiplyAdd(odd0b, o0, a00b);
            a00c = Vector128.FusedMultiplyAdd(odd0c, o0, a00c);
            a00d = Vector128.FusedMultiplyAdd(odd0d, o0, a00d);
            Vector128<float> o1 = Vector128.Create(x[stride + 1]);
            a10a = Vector128.FusedMultiplyAdd(odd0a, o1, a10a);
            a10b = Vector128.FusedMultiplyAdd(odd0b, o1, a10b);
            a10c = Vector128.FusedMultiplyAdd(odd0c, o1, a10c);
            a10d = Vector128.FusedMultiplyAdd(odd0d, o1, a10d);
            Vector128<float> o2 = Vector128.Create(x[(2 * stride) + 1]);
            a20a = Vector128.FusedMultiplyAdd(odd0a, o2, a20a);
            a20b = Vector128.FusedMultiplyAdd(odd0b, o2, a20b);
            a20c = Vector128.FusedMultiplyAdd(odd0c, o2, a20c);
            a20d = Vector128.FusedMultiplyAdd(odd0d, o2, a20d);
            Vector128<float> o3 = Vector128.Create(x[(3 * stride) + 1]);
            a30a = Vector128.FusedMultiplyAdd(odd0a, o3, a30a);
            a30b = Vector128.FusedMultiplyAdd(odd0b, o3, a30b);
            a30c = Vector128.FusedMultiplyAdd(odd0c, o3, a30c);
            a30d = Vector128.FusedMultiplyAdd(odd0d, o3, a30d);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 4);
        a00c.Store(result + 8);
        a00d.Store(result + 12);
        a10a.Store(result + 16);
        a10b.Store(result + 20);
        a10c.Store(result + 24);
        a10d.Store(result + 28);
        a20a.Store(result + 32);
        a20b.Store(result + 36);
        a20c.Store(result + 40);
        a20d.Store(result + 44);
        a30a.Store(result + 48);
        a30b.Store(result + 52);
        a30c.Store(result + 56);
        a30d.Store(result + 60);
    }

    /// <summary>1 row, 1 panel: 4 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows1Panels1<T>(float* x, nint stride, byte* w, nint panelBytes, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector128<float> a00a = default, a00b = default, a00c = default, a00d = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, 0, out Vector128<float> even0a, out Vector128<float> odd0a);
            T.Load(w, 1, out Vector128<float> even0b, out Vector128<float> odd0b);
            T.Load(w, 2, out Vector128<float> even0c, out Vector128<float> odd0c);
            T.Load(w, 3, out Vector128<float> even0d, out Vector128<float> odd0d);
            Vector128<float> e0 = Vector128.Create(*x);
            a00a = Vector128.FusedMultiplyAdd(even0a, e0, a00a);
            a00b = Vector128.FusedMultiplyAdd(even0b, e0, a00b);
            a00c = Vector128.FusedMultiplyAdd(even0c, e0, a00c);
            a00d = Vector128.FusedMultiplyAdd(even0d, e0, a00d);
            Vector128<float> o0 = Vector128.Create(x[1]);
            a00a = Vector128.FusedMultiplyAdd(odd0a, o0, a00a);
            a00b = Vector128.FusedMultiplyAdd(odd0b, o0, a00b);
            a00c = Vector128.FusedMultiplyAdd(odd0c, o0, a00c);
            a00d = Vector128.FusedMultiplyAdd(odd0d, o0, a00d);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 4);
        a00c.Store(result + 8);
        a00d.Store(result + 12);
    }
}
