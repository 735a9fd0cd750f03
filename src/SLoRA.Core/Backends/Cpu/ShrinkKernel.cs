using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>lanes[e, r] += Σ x[e, k] A[r, k]</c> over the columns k of one tile: column k into lane k mod 16, columns ascending. Blocks of four
/// entries and four rank rows share their loads; every (e, r) has the same order in every kernel.
/// </summary>
internal static unsafe class ShrinkKernel
{
    /// <summary>Adds a tile.</summary>
    /// <param name="x">Rows of the activations, one per entry.</param>
    /// <param name="firstColumn">Column of x that meets the tile's first column.</param>
    /// <param name="entries">Entries: 1 or 4.</param>
    /// <param name="a">First rank row of the tile to use.</param>
    /// <param name="stride">Elements from one rank row to the next.</param>
    /// <param name="columns">Columns to add.</param>
    /// <param name="rankRows">Rank rows: 1 or 4.</param>
    /// <param name="lanes">The sums, <c>[entries, rankRows]</c>.</param>
    /// <param name="ahead">
    /// Bytes from <paramref name="a"/> to rank rows that will be needed soon, equally long; 0 if they have been asked for. One entry with
    /// four rank rows asks for them while it computes: all at once, they would hold up its own loads.
    /// </param>
    public static void Add<T>(
        float** x, int firstColumn, int entries, byte* a, int stride, int columns, int rankRows, Vector512<float>* lanes, nint ahead)
        where T : struct, IElements
    {
        if (!Vector256.IsHardwareAccelerated)
        {
            ShrinkKernel128.Add<T>(x, firstColumn, entries, a, stride, columns, rankRows, (float*)lanes);
            AddTail<T>(x, firstColumn, entries, a, stride, columns, rankRows, lanes);
            return;
        }

        switch (entries, rankRows)
        {
            case (4, 4):
                Entries4Rows4<T>(x, firstColumn, a, stride, columns, lanes);
                break;
            case (4, 1):
                Entries4Rows1<T>(x, firstColumn, a, columns, lanes);
                break;
            case (1, 4):
                Entries1Rows4<T>(x, firstColumn, a, stride, columns, lanes, ahead);
                break;
            default:
                Entries1Rows1<T>(x, firstColumn, a, columns, lanes);
                break;
        }

        AddTail<T>(x, firstColumn, entries, a, stride, columns, rankRows, lanes);
    }

    private static void AddTail<T>(
        float** x, int firstColumn, int entries, byte* a, int stride, int columns, int rankRows, Vector512<float>* lanes)
        where T : struct, IElements
    {
        int tail = columns % Lanes.Count;
        if (tail == 0)
        {
            return;
        }

        int first = columns - tail;
        for (int r = 0; r < rankRows; r++)
        {
            Vector512<float> weights = Lanes.LoadFirst<T>(a + ((((nint)r * stride) + first) * T.Size), tail);
            for (int e = 0; e < entries; e++)
            {
                Vector512<float> inputs = Lanes.LoadFirst(x[e] + firstColumn + first, tail);
                lanes[(e * rankRows) + r] = MultiplyAdd.Of(weights, inputs, lanes[(e * rankRows) + r]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries4Rows4<T>(float** x, int firstColumn, byte* a, int stride, int columns, Vector512<float>* lanes)
        where T : struct, IElements
    {
        float* x0 = x[0] + firstColumn;
        float* x1 = x[1] + firstColumn;
        float* x2 = x[2] + firstColumn;
        float* x3 = x[3] + firstColumn;
        nint rowBytes = (nint)stride * T.Size;
        Vector512<float> v00 = lanes[0];
        Vector512<float> v01 = lanes[1];
        Vector512<float> v02 = lanes[2];
        Vector512<float> v03 = lanes[3];
        Vector512<float> v10 = lanes[4];
        Vector512<float> v11 = lanes[5];
        Vector512<float> v12 = lanes[6];
        Vector512<float> v13 = lanes[7];
        Vector512<float> v20 = lanes[8];
        Vector512<float> v21 = lanes[9];
        Vector512<float> v22 = lanes[10];
        Vector512<float> v23 = lanes[11];
        Vector512<float> v30 = lanes[12];
        Vector512<float> v31 = lanes[13];
        Vector512<float> v32 = lanes[14];
        Vector512<float> v33 = lanes[15];
        int column = 0;
        for (; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector512<float> a0 = T.Load16(a);
            Vector512<float> a1 = T.Load16(a + rowBytes);
            Vector512<float> a2 = T.Load16(a + (2 * rowBytes));
            Vector512<float> a3 = T.Load16(a + (3 * rowBytes));
            Vector512<float> b0 = Vector512.Load(x0 + column);
            v00 = Vector512.FusedMultiplyAdd(a0, b0, v00);
            v01 = Vector512.FusedMultiplyAdd(a1, b0, v01);
            v02 = Vector512.FusedMultiplyAdd(a2, b0, v02);
            v03 = Vector512.FusedMultiplyAdd(a3, b0, v03);
            Vector512<float> b1 = Vector512.Load(x1 + column);
            v10 = Vector512.FusedMultiplyAdd(a0, b1, v10);
            v11 = Vector512.FusedMultiplyAdd(a1, b1, v11);
            v12 = Vector512.FusedMultiplyAdd(a2, b1, v12);
            v13 = Vector512.FusedMultiplyAdd(a3, b1, v13);
            Vector512<float> b2 = Vector512.Load(x2 + column);
            v20 = Vector512.FusedMultiplyAdd(a0, b2, v20);
            v21 = Vector512.FusedMultiplyAdd(a1, b2, v21);
            v22 = Vector512.FusedMultiplyAdd(a2, b2, v22);
            v23 = Vector512.FusedMultiplyAdd(a3, b2, v23);
            Vector512<float> b3 = Vector512.Load(x3 + column);
            v30 = Vector512.FusedMultiplyAdd(a0, b3, v30);
            v31 = Vector512.FusedMultiplyAdd(a1, b3, v31);
            v32 = Vector512.FusedMultiplyAdd(a2, b3, v32);
            v33 = Vector512.FusedMultiplyAdd(a3, b3, v33);
            a += Lanes.Count * T.Size;
        }

        lanes[0] = v00;
        lanes[1] = v01;
        lanes[2] = v02;
        lanes[3] = v03;
        lanes[4] = v10;
        lanes[5] = v11;
        lanes[6] = v12;
        lanes[7] = v13;
        lanes[8] = v20;
        lanes[9] = v21;
        lanes[10] = v22;
        lanes[11] = v23;
        lanes[12] = v30;
        lanes[13] = v31;
        lanes[14] = v32;
        lanes[15] = v33;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries4Rows1<T>(float** x, int firstColumn, byte* a, int columns, Vector512<float>* lanes)
        where T : struct, IElements
    {
        float* x0 = x[0] + firstColumn;
        float* x1 = x[1] + firstColumn;
        float* x2 = x[2] + firstColumn;
        float* x3 = x[3] + firstColumn;
        Vector512<float> v00 = lanes[0];
        Vector512<float> v10 = lanes[1];
        Vector512<float> v20 = lanes[2];
        Vector512<float> v30 = lanes[3];
        int column = 0;
        for (; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector512<float> a0 = T.Load16(a);
            Vector512<float> b0 = Vector512.Load(x0 + column);
            v00 = Vector512.FusedMultiplyAdd(a0, b0, v00);
            Vector512<float> b1 = Vector512.Load(x1 + column);
            v10 = Vector512.FusedMultiplyAdd(a0, b1, v10);
            Vector512<float> b2 = Vector512.Load(x2 + column);
            v20 = Vector512.FusedMultiplyAdd(a0, b2, v20);
            Vector512<float> b3 = Vector512.Load(x3 + column);
            v30 = Vector512.FusedMultiplyAdd(a0, b3, v30);
            a += Lanes.Count * T.Size;
        }

        lanes[0] = v00;
        lanes[1] = v10;
        lanes[2] = v20;
        lanes[3] = v30;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries1Rows4<T>(
        float** x, int firstColumn, byte* a, int stride, int columns, Vector512<float>* lanes, nint ahead)
        where T : struct, IElements
    {
        float* x0 = *x + firstColumn;
        nint rowBytes = (nint)stride * T.Size;
        Vector512<float> v00 = lanes[0];
        Vector512<float> v01 = lanes[1];
        Vector512<float> v02 = lanes[2];
        Vector512<float> v03 = lanes[3];
        int column = 0;
        for (; column + (2 * Lanes.Count) <= columns; column += 2 * Lanes.Count)
        {
            if (Sse.IsSupported && !T.IsNear)
            {
                // The next four rank rows lie behind these; a rank row is too short for the machine to foresee it.
                byte* next = a + (4 * rowBytes);
                Sse.Prefetch0(next);
                Sse.Prefetch0(next + rowBytes);
                Sse.Prefetch0(next + (2 * rowBytes));
                Sse.Prefetch0(next + (3 * rowBytes));
                next = a + ahead;
                Sse.Prefetch1(next);
                Sse.Prefetch1(next + rowBytes);
                Sse.Prefetch1(next + (2 * rowBytes));
                Sse.Prefetch1(next + (3 * rowBytes));
            }

            Vector512<float> b0 = Vector512.Load(x0 + column);
            v00 = Vector512.FusedMultiplyAdd(T.Load16(a), b0, v00);
            v01 = Vector512.FusedMultiplyAdd(T.Load16(a + rowBytes), b0, v01);
            v02 = Vector512.FusedMultiplyAdd(T.Load16(a + (2 * rowBytes)), b0, v02);
            v03 = Vector512.FusedMultiplyAdd(T.Load16(a + (3 * rowBytes)), b0, v03);
            a += Lanes.Count * T.Size;
            Vector512<float> b1 = Vector512.Load(x0 + column + Lanes.Count);
            v00 = Vector512.FusedMultiplyAdd(T.Load16(a), b1, v00);
            v01 = Vector512.FusedMultiplyAdd(T.Load16(a + rowBytes), b1, v01);
            v02 = Vector512.FusedMultiplyAdd(T.Load16(a + (2 * rowBytes)), b1, v02);
            v03 = Vector512.FusedMultiplyAdd(T.Load16(a + (3 * rowBytes)), b1, v03);
            a += Lanes.Count * T.Size;
        }

        for (; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector512<float> b0 = Vector512.Load(x0 + column);
            v00 = Vector512.FusedMultiplyAdd(T.Load16(a), b0, v00);
            v01 = Vector512.FusedMultiplyAdd(T.Load16(a + rowBytes), b0, v01);
            v02 = Vector512.FusedMultiplyAdd(T.Load16(a + (2 * rowBytes)), b0, v02);
            v03 = Vector512.FusedMultiplyAdd(T.Load16(a + (3 * rowBytes)), b0, v03);
            a += Lanes.Count * T.Size;
        }

        lanes[0] = v00;
        lanes[1] = v01;
        lanes[2] = v02;
        lanes[3] = v03;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries1Rows1<T>(float** x, int firstColumn, byte* a, int columns, Vector512<float>* lanes)
        where T : struct, IElements
    {
        float* x0 = *x + firstColumn;
        Vector512<float> v00 = lanes[0];
        int column = 0;
        for (; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector512<float> a0 = T.Load16(a);
            Vector512<float> b0 = Vector512.Load(x0 + column);
            v00 = Vector512.FusedMultiplyAdd(a0, b0, v00);
            a += Lanes.Count * T.Size;
        }

        lanes[0] = v00;
    }
}
