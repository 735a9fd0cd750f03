using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product's inner loops in 128 bits: R rows of x times P panels of weights, accumulators in registers from the first input
/// to the last. Each is a leaf that calls nothing, or the accumulators would be spilled on every iteration.
/// </summary>
/// <remarks>
/// x is row 0, rows <c>stride</c> elements apart; w is panel 0, panels <c>panelBytes</c> apart; the result is <c>[R, P, 16]</c>. Every
/// element is <c>w[k] x[k] + …</c> over k = 0, 1, 2, … from zero, each step by <see cref="MultiplyAdd"/>, so all shapes give the same bits,
/// and the same as wider vectors where it is fused.
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
            a00a = MultiplyAdd.Of(even0a, e0, a00a);
            a00b = MultiplyAdd.Of(even0b, e0, a00b);
            a00c = MultiplyAdd.Of(even0c, e0, a00c);
            a00d = MultiplyAdd.Of(even0d, e0, a00d);
            Vector128<float> e1 = Vector128.Create(x[stride]);
            a10a = MultiplyAdd.Of(even0a, e1, a10a);
            a10b = MultiplyAdd.Of(even0b, e1, a10b);
            a10c = MultiplyAdd.Of(even0c, e1, a10c);
            a10d = MultiplyAdd.Of(even0d, e1, a10d);
            Vector128<float> e2 = Vector128.Create(x[2 * stride]);
            a20a = MultiplyAdd.Of(even0a, e2, a20a);
            a20b = MultiplyAdd.Of(even0b, e2, a20b);
            a20c = MultiplyAdd.Of(even0c, e2, a20c);
            a20d = MultiplyAdd.Of(even0d, e2, a20d);
            Vector128<float> e3 = Vector128.Create(x[3 * stride]);
            a30a = MultiplyAdd.Of(even0a, e3, a30a);
            a30b = MultiplyAdd.Of(even0b, e3, a30b);
            a30c = MultiplyAdd.Of(even0c, e3, a30c);
            a30d = MultiplyAdd.Of(even0d, e3, a30d);
            Vector128<float> o0 = Vector128.Create(x[1]);
            a00a = MultiplyAdd.Of(odd0a, o0, a00a);
            a00b = MultiplyAdd.Of(odd0b, o0, a00b);
            a00c = MultiplyAdd.Of(odd0c, o0, a00c);
            a00d = MultiplyAdd.Of(odd0d, o0, a00d);
            Vector128<float> o1 = Vector128.Create(x[stride + 1]);
            a10a = MultiplyAdd.Of(odd0a, o1, a10a);
            a10b = MultiplyAdd.Of(odd0b, o1, a10b);
            a10c = MultiplyAdd.Of(odd0c, o1, a10c);
            a10d = MultiplyAdd.Of(odd0d, o1, a10d);
            Vector128<float> o2 = Vector128.Create(x[(2 * stride) + 1]);
            a20a = MultiplyAdd.Of(odd0a, o2, a20a);
            a20b = MultiplyAdd.Of(odd0b, o2, a20b);
            a20c = MultiplyAdd.Of(odd0c, o2, a20c);
            a20d = MultiplyAdd.Of(odd0d, o2, a20d);
            Vector128<float> o3 = Vector128.Create(x[(3 * stride) + 1]);
            a30a = MultiplyAdd.Of(odd0a, o3, a30a);
            a30b = MultiplyAdd.Of(odd0b, o3, a30b);
            a30c = MultiplyAdd.Of(odd0c, o3, a30c);
            a30d = MultiplyAdd.Of(odd0d, o3, a30d);
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

    /// <summary>
    /// 4 rows, half a panel: 8 accumulators, for machines of 16 registers. The result of both halves, quarters 0, 1 and 2, 3, is that of
    /// <see cref="Rows4Panels1"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4HalfPanel<T>(float* x, nint stride, byte* w, int quarter, int pairs, float* result)
        where T : struct, IPanelWeights
    {
        Vector128<float> a00 = default, a01 = default;
        Vector128<float> a10 = default, a11 = default;
        Vector128<float> a20 = default, a21 = default;
        Vector128<float> a30 = default, a31 = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            T.Load(w, quarter, out Vector128<float> even0, out Vector128<float> odd0);
            T.Load(w, quarter + 1, out Vector128<float> even1, out Vector128<float> odd1);
            Vector128<float> e0 = Vector128.Create(*x);
            a00 = MultiplyAdd.Of(even0, e0, a00);
            a01 = MultiplyAdd.Of(even1, e0, a01);
            Vector128<float> e1 = Vector128.Create(x[stride]);
            a10 = MultiplyAdd.Of(even0, e1, a10);
            a11 = MultiplyAdd.Of(even1, e1, a11);
            Vector128<float> e2 = Vector128.Create(x[2 * stride]);
            a20 = MultiplyAdd.Of(even0, e2, a20);
            a21 = MultiplyAdd.Of(even1, e2, a21);
            Vector128<float> e3 = Vector128.Create(x[3 * stride]);
            a30 = MultiplyAdd.Of(even0, e3, a30);
            a31 = MultiplyAdd.Of(even1, e3, a31);
            Vector128<float> o0 = Vector128.Create(x[1]);
            a00 = MultiplyAdd.Of(odd0, o0, a00);
            a01 = MultiplyAdd.Of(odd1, o0, a01);
            Vector128<float> o1 = Vector128.Create(x[stride + 1]);
            a10 = MultiplyAdd.Of(odd0, o1, a10);
            a11 = MultiplyAdd.Of(odd1, o1, a11);
            Vector128<float> o2 = Vector128.Create(x[(2 * stride) + 1]);
            a20 = MultiplyAdd.Of(odd0, o2, a20);
            a21 = MultiplyAdd.Of(odd1, o2, a21);
            Vector128<float> o3 = Vector128.Create(x[(3 * stride) + 1]);
            a30 = MultiplyAdd.Of(odd0, o3, a30);
            a31 = MultiplyAdd.Of(odd1, o3, a31);
            w += T.PairBytes;
            x += 2;
        }

        result += 4 * quarter;
        a00.Store(result);
        a01.Store(result + 4);
        a10.Store(result + 16);
        a11.Store(result + 20);
        a20.Store(result + 32);
        a21.Store(result + 36);
        a30.Store(result + 48);
        a31.Store(result + 52);
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
            a00a = MultiplyAdd.Of(even0a, e0, a00a);
            a00b = MultiplyAdd.Of(even0b, e0, a00b);
            a00c = MultiplyAdd.Of(even0c, e0, a00c);
            a00d = MultiplyAdd.Of(even0d, e0, a00d);
            Vector128<float> o0 = Vector128.Create(x[1]);
            a00a = MultiplyAdd.Of(odd0a, o0, a00a);
            a00b = MultiplyAdd.Of(odd0b, o0, a00b);
            a00c = MultiplyAdd.Of(odd0c, o0, a00c);
            a00d = MultiplyAdd.Of(odd0d, o0, a00d);
            w += T.PairBytes;
            x += 2;
        }

        a00a.Store(result);
        a00b.Store(result + 4);
        a00c.Store(result + 8);
        a00d.Store(result + 12);
    }
}
