using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>Y[m, n] += Σ_k X[m, k] W[k, n]</c> for small blocks: attention's scores and weighted values, LoRA's expand. Lanes run over n, every
/// element adds <c>fma(W[k, n], X[m, k], …)</c> over k in order to what is there, so cutting k, m or n anywhere changes no bit.
/// </summary>
/// <remarks>X and Y are fp32 with row strides in elements; W has elements of type T and a row stride in bytes. n is a multiple of 16.</remarks>
internal static unsafe class TileProduct
{
    /// <summary>Adds the product of M × N × K.</summary>
    public static void Add<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int n, int k)
        where T : struct, IElements
    {
        int row = 0;
        for (; row + 4 <= m; row += 4)
        {
            int column = 0;
            for (; column + 64 <= n; column += 64)
            {
                Rows4Vectors4<T>(x, xStride, w + (column * T.Size), wStride, y + column, yStride, k);
            }

            for (; column < n; column += 16)
            {
                Rows4Vectors1<T>(x, xStride, w + (column * T.Size), wStride, y + column, yStride, k);
            }

            x += 4 * xStride;
            y += 4 * yStride;
        }

        for (; row < m; row++)
        {
            int column = 0;
            for (; column + 64 <= n; column += 64)
            {
                Rows1Vectors4<T>(x, w + (column * T.Size), wStride, y + column, k);
            }

            for (; column < n; column += 16)
            {
                Rows1Vectors1<T>(x, w + (column * T.Size), wStride, y + column, k);
            }

            x += xStride;
            y += yStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4Vectors4<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a01 = Vector512.Load(y + 16);
        Vector512<float> a02 = Vector512.Load(y + 32);
        Vector512<float> a03 = Vector512.Load(y + 48);
        Vector512<float> a10 = Vector512.Load(y + yStride);
        Vector512<float> a11 = Vector512.Load(y + yStride + 16);
        Vector512<float> a12 = Vector512.Load(y + yStride + 32);
        Vector512<float> a13 = Vector512.Load(y + yStride + 48);
        Vector512<float> a20 = Vector512.Load(y + (2 * yStride));
        Vector512<float> a21 = Vector512.Load(y + (2 * yStride) + 16);
        Vector512<float> a22 = Vector512.Load(y + (2 * yStride) + 32);
        Vector512<float> a23 = Vector512.Load(y + (2 * yStride) + 48);
        Vector512<float> a30 = Vector512.Load(y + (3 * yStride));
        Vector512<float> a31 = Vector512.Load(y + (3 * yStride) + 16);
        Vector512<float> a32 = Vector512.Load(y + (3 * yStride) + 32);
        Vector512<float> a33 = Vector512.Load(y + (3 * yStride) + 48);
        for (int i = 0; i < k; i++)
        {
            Vector512<float> w0 = T.Load16(w);
            Vector512<float> w1 = T.Load16(w + (16 * T.Size));
            Vector512<float> w2 = T.Load16(w + (32 * T.Size));
            Vector512<float> w3 = T.Load16(w + (48 * T.Size));
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(w0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(w1, x0, a01);
            a02 = Vector512.FusedMultiplyAdd(w2, x0, a02);
            a03 = Vector512.FusedMultiplyAdd(w3, x0, a03);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(w0, x1, a10);
            a11 = Vector512.FusedMultiplyAdd(w1, x1, a11);
            a12 = Vector512.FusedMultiplyAdd(w2, x1, a12);
            a13 = Vector512.FusedMultiplyAdd(w3, x1, a13);
            Vector512<float> x2 = Vector512.Create(x[2 * xStride]);
            a20 = Vector512.FusedMultiplyAdd(w0, x2, a20);
            a21 = Vector512.FusedMultiplyAdd(w1, x2, a21);
            a22 = Vector512.FusedMultiplyAdd(w2, x2, a22);
            a23 = Vector512.FusedMultiplyAdd(w3, x2, a23);
            Vector512<float> x3 = Vector512.Create(x[3 * xStride]);
            a30 = Vector512.FusedMultiplyAdd(w0, x3, a30);
            a31 = Vector512.FusedMultiplyAdd(w1, x3, a31);
            a32 = Vector512.FusedMultiplyAdd(w2, x3, a32);
            a33 = Vector512.FusedMultiplyAdd(w3, x3, a33);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a01.Store(y + 16);
        a02.Store(y + 32);
        a03.Store(y + 48);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 16);
        a12.Store(y + yStride + 32);
        a13.Store(y + yStride + 48);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 16);
        a22.Store(y + (2 * yStride) + 32);
        a23.Store(y + (2 * yStride) + 48);
        a30.Store(y + (3 * yStride));
        a31.Store(y + (3 * yStride) + 16);
        a32.Store(y + (3 * yStride) + 32);
        a33.Store(y + (3 * yStride) + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4Vectors1<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a10 = Vector512.Load(y + yStride);
        Vector512<float> a20 = Vector512.Load(y + (2 * yStride));
        Vector512<float> a30 = Vector512.Load(y + (3 * yStride));
        for (int i = 0; i < k; i++)
        {
            Vector512<float> w0 = T.Load16(w);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(w0, x0, a00);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(w0, x1, a10);
            Vector512<float> x2 = Vector512.Create(x[2 * xStride]);
            a20 = Vector512.FusedMultiplyAdd(w0, x2, a20);
            Vector512<float> x3 = Vector512.Create(x[3 * xStride]);
            a30 = Vector512.FusedMultiplyAdd(w0, x3, a30);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a10.Store(y + yStride);
        a20.Store(y + (2 * yStride));
        a30.Store(y + (3 * yStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1Vectors4<T>(float* x, byte* w, nint wStride, float* y, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a01 = Vector512.Load(y + 16);
        Vector512<float> a02 = Vector512.Load(y + 32);
        Vector512<float> a03 = Vector512.Load(y + 48);
        for (int i = 0; i < k; i++)
        {
            Vector512<float> w0 = T.Load16(w);
            Vector512<float> w1 = T.Load16(w + (16 * T.Size));
            Vector512<float> w2 = T.Load16(w + (32 * T.Size));
            Vector512<float> w3 = T.Load16(w + (48 * T.Size));
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(w0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(w1, x0, a01);
            a02 = Vector512.FusedMultiplyAdd(w2, x0, a02);
            a03 = Vector512.FusedMultiplyAdd(w3, x0, a03);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a01.Store(y + 16);
        a02.Store(y + 32);
        a03.Store(y + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1Vectors1<T>(float* x, byte* w, nint wStride, float* y, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        for (int i = 0; i < k; i++)
        {
            Vector512<float> w0 = T.Load16(w);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(w0, x0, a00);
            x++;
            w += wStride;
        }

        a00.Store(y);
    }
}
