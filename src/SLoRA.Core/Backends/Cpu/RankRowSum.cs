using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[n] += Σ_r v[r] B[r, n]</c> for one entry: B is read along its rows, four at a time, so that memory sees few long runs. Every
/// element adds <c>B[r, n] v[r] + …</c> over r in order by <see cref="MultiplyAdd"/> to what is there, as <see cref="TileProduct"/> does.
/// </summary>
internal static unsafe class RankRowSum
{
    /// <summary>Adds some rank rows.</summary>
    /// <param name="v">One factor per row.</param>
    /// <param name="b">The first row.</param>
    /// <param name="rowBytes">From one row to the next.</param>
    /// <param name="y">Sums.</param>
    /// <param name="n">Columns, a multiple of 16.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="ahead">Bytes from <paramref name="b"/> to rows that will be needed soon, as far apart, which are asked for meanwhile; 0
    /// for none.</param>
    public static void Add<T>(float* v, byte* b, nint rowBytes, float* y, int n, int rows, nint ahead)
        where T : struct, IElements
    {
        int row = 0;
        for (; row + 4 <= rows; row += 4)
        {
            if (Vector256.IsHardwareAccelerated)
            {
                Rows4<T>(v + row, b + (row * rowBytes), rowBytes, y, n, ahead);
            }
            else
            {
                Rows4Narrow<T>(v + row, b + (row * rowBytes), rowBytes, y, n);
            }
        }

        for (; row < rows; row++)
        {
            Rows1<T>(v[row], b + (row * rowBytes), y, n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows4<T>(float* v, byte* b, nint rowBytes, float* y, int n, nint ahead)
        where T : struct, IElements
    {
        Vector512<float> v0 = Vector512.Create(v[0]);
        Vector512<float> v1 = Vector512.Create(v[1]);
        Vector512<float> v2 = Vector512.Create(v[2]);
        Vector512<float> v3 = Vector512.Create(v[3]);
        for (int i = 0; i < n; i += Lanes.Count)
        {
            if (Sse.IsSupported && !T.IsNear)
            {
                byte* next = b + ahead;
                Sse.Prefetch1(next);
                Sse.Prefetch1(next + rowBytes);
                Sse.Prefetch1(next + (2 * rowBytes));
                Sse.Prefetch1(next + (3 * rowBytes));
            }

            Vector512<float> sum = MultiplyAdd.Of(T.Load16(b), v0, Vector512.Load(y + i));
            sum = MultiplyAdd.Of(T.Load16(b + rowBytes), v1, sum);
            sum = MultiplyAdd.Of(T.Load16(b + (2 * rowBytes)), v2, sum);
            sum = MultiplyAdd.Of(T.Load16(b + (3 * rowBytes)), v3, sum);
            sum.Store(y + i);
            b += Lanes.Count * T.Size;
        }
    }

    /// <summary><see cref="Rows4"/> in vectors of 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows4Narrow<T>(float* v, byte* b, nint rowBytes, float* y, int n)
        where T : struct, IElements
    {
        Vector128<float> v0 = Vector128.Create(v[0]);
        Vector128<float> v1 = Vector128.Create(v[1]);
        Vector128<float> v2 = Vector128.Create(v[2]);
        Vector128<float> v3 = Vector128.Create(v[3]);
        for (int i = 0; i < n; i += Vector128<float>.Count)
        {
            Vector128<float> sum = MultiplyAdd.Of(T.Load4(b), v0, Vector128.Load(y + i));
            sum = MultiplyAdd.Of(T.Load4(b + rowBytes), v1, sum);
            sum = MultiplyAdd.Of(T.Load4(b + (2 * rowBytes)), v2, sum);
            sum = MultiplyAdd.Of(T.Load4(b + (3 * rowBytes)), v3, sum);
            sum.Store(y + i);
            b += Vector128<float>.Count * T.Size;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1<T>(float v, byte* b, float* y, int n)
        where T : struct, IElements
    {
        Vector512<float> factor = Vector512.Create(v);
        for (int i = 0; i < n; i += Lanes.Count)
        {
            MultiplyAdd.Of(T.Load16(b), factor, Vector512.Load(y + i)).Store(y + i);
            b += Lanes.Count * T.Size;
        }
    }
}
