using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>Y[m, n] += Σ_k X[m, k] W[k, n]</c> for small blocks: attention's scores and weighted values, LoRA's expand. Lanes run over n, every
/// element adds <c>fma(W[k, n], X[m, k], …)</c> over k in order to what is there, so cutting k, m or n anywhere changes no bit.
/// </summary>
/// <remarks>
/// X and Y are fp32 with row strides in elements; W has elements of type T and a row stride in bytes. n is a multiple of 16. What lies
/// <c>ahead</c> bytes behind the weights is asked for row by row, as memory works best while something is computed; 0 asks for nothing.
/// </remarks>
internal static unsafe class TileProduct
{
    /// <summary>Whether the kernels of this machine ask for what lies ahead.</summary>
    public static bool AsksAhead => Sse.IsSupported && Vector512.IsHardwareAccelerated;

    // Vectors of 512 bits would go through memory where the machine has 256 or 128.
    private static bool UsesHalves => !Vector512.IsHardwareAccelerated && Vector256.IsHardwareAccelerated;

    private static bool UsesQuarters => !Vector256.IsHardwareAccelerated;

    /// <summary>Adds the product of M × N × K, W in one piece.</summary>
    public static void Add<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int n, int k, nint ahead = 0)
        where T : struct, IElements
    {
        int column = 0;
        for (; column + 64 <= n; column += 64)
        {
            byte* at = w + (column * T.Size);
            Add64<T>(x, xStride, at, at + (16 * T.Size), at + (32 * T.Size), at + (48 * T.Size), wStride, y + column, yStride, m, k, ahead);
        }

        for (; column < n; column += 16)
        {
            Add16<T>(x, xStride, w + (column * T.Size), wStride, y + column, yStride, m, k);
        }
    }

    /// <summary>Adds the product of M × 64 × K, W in four pieces of 16 columns that may lie anywhere, rows equally far apart.</summary>
    public static void Add64<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int m, int k, nint ahead = 0)
        where T : struct, IElements
    {
        if (UsesHalves)
        {
            TileProduct256.Add64<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, m, k);
            return;
        }

        if (UsesQuarters)
        {
            TileProduct128.Add16<T>(x, xStride, w0, wStride, y, yStride, m, k);
            TileProduct128.Add16<T>(x, xStride, w1, wStride, y + 16, yStride, m, k);
            TileProduct128.Add16<T>(x, xStride, w2, wStride, y + 32, yStride, m, k);
            TileProduct128.Add16<T>(x, xStride, w3, wStride, y + 48, yStride, m, k);
            return;
        }

        for (; m >= 4; m -= 4)
        {
            Rows4Vectors4<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, k, ahead);
            ahead = 0;
            x += 4 * xStride;
            y += 4 * yStride;
        }

        switch (m)
        {
            case 3:
                Rows3Vectors4<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, k, ahead);
                break;
            case 2:
                Rows2Vectors4<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, k, ahead);
                break;
            case 1:
                Rows1Vectors4<T>(x, w0, w1, w2, w3, wStride, y, k, ahead);
                break;
        }
    }

    private static void Add16<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int k)
        where T : struct, IElements
    {
        if (UsesHalves)
        {
            TileProduct256.Add16<T>(x, xStride, w, wStride, y, yStride, m, k);
            return;
        }

        if (UsesQuarters)
        {
            TileProduct128.Add16<T>(x, xStride, w, wStride, y, yStride, m, k);
            return;
        }

        for (; m >= 4; m -= 4)
        {
            Rows4Vectors1<T>(x, xStride, w, wStride, y, yStride, k);
            x += 4 * xStride;
            y += 4 * yStride;
        }

        for (; m > 0; m--)
        {
            Rows1Vectors1<T>(x, w, wStride, y, k);
            x += xStride;
            y += yStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows4Vectors4<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int k, nint ahead)
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
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Fetch(w0, w1, w2, w3, at, ahead);
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> b1 = T.Load16(w1 + at);
            Vector512<float> b2 = T.Load16(w2 + at);
            Vector512<float> b3 = T.Load16(w3 + at);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(b1, x0, a01);
            a02 = Vector512.FusedMultiplyAdd(b2, x0, a02);
            a03 = Vector512.FusedMultiplyAdd(b3, x0, a03);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(b0, x1, a10);
            a11 = Vector512.FusedMultiplyAdd(b1, x1, a11);
            a12 = Vector512.FusedMultiplyAdd(b2, x1, a12);
            a13 = Vector512.FusedMultiplyAdd(b3, x1, a13);
            Vector512<float> x2 = Vector512.Create(x[2 * xStride]);
            a20 = Vector512.FusedMultiplyAdd(b0, x2, a20);
            a21 = Vector512.FusedMultiplyAdd(b1, x2, a21);
            a22 = Vector512.FusedMultiplyAdd(b2, x2, a22);
            a23 = Vector512.FusedMultiplyAdd(b3, x2, a23);
            Vector512<float> x3 = Vector512.Create(x[3 * xStride]);
            a30 = Vector512.FusedMultiplyAdd(b0, x3, a30);
            a31 = Vector512.FusedMultiplyAdd(b1, x3, a31);
            a32 = Vector512.FusedMultiplyAdd(b2, x3, a32);
            a33 = Vector512.FusedMultiplyAdd(b3, x3, a33);
            x++;
            at += wStride;
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows3Vectors4<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int k, nint ahead)
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
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Fetch(w0, w1, w2, w3, at, ahead);
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> b1 = T.Load16(w1 + at);
            Vector512<float> b2 = T.Load16(w2 + at);
            Vector512<float> b3 = T.Load16(w3 + at);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(b1, x0, a01);
            a02 = Vector512.FusedMultiplyAdd(b2, x0, a02);
            a03 = Vector512.FusedMultiplyAdd(b3, x0, a03);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(b0, x1, a10);
            a11 = Vector512.FusedMultiplyAdd(b1, x1, a11);
            a12 = Vector512.FusedMultiplyAdd(b2, x1, a12);
            a13 = Vector512.FusedMultiplyAdd(b3, x1, a13);
            Vector512<float> x2 = Vector512.Create(x[2 * xStride]);
            a20 = Vector512.FusedMultiplyAdd(b0, x2, a20);
            a21 = Vector512.FusedMultiplyAdd(b1, x2, a21);
            a22 = Vector512.FusedMultiplyAdd(b2, x2, a22);
            a23 = Vector512.FusedMultiplyAdd(b3, x2, a23);
            x++;
            at += wStride;
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
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows2Vectors4<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int k, nint ahead)
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
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Fetch(w0, w1, w2, w3, at, ahead);
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> b1 = T.Load16(w1 + at);
            Vector512<float> b2 = T.Load16(w2 + at);
            Vector512<float> b3 = T.Load16(w3 + at);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(b1, x0, a01);
            a02 = Vector512.FusedMultiplyAdd(b2, x0, a02);
            a03 = Vector512.FusedMultiplyAdd(b3, x0, a03);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(b0, x1, a10);
            a11 = Vector512.FusedMultiplyAdd(b1, x1, a11);
            a12 = Vector512.FusedMultiplyAdd(b2, x1, a12);
            a13 = Vector512.FusedMultiplyAdd(b3, x1, a13);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 16);
        a02.Store(y + 32);
        a03.Store(y + 48);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 16);
        a12.Store(y + yStride + 32);
        a13.Store(y + yStride + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1Vectors4<T>(float* x, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, int k, nint ahead)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a01 = Vector512.Load(y + 16);
        Vector512<float> a02 = Vector512.Load(y + 32);
        Vector512<float> a03 = Vector512.Load(y + 48);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Fetch(w0, w1, w2, w3, at, ahead);
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> b1 = T.Load16(w1 + at);
            Vector512<float> b2 = T.Load16(w2 + at);
            Vector512<float> b3 = T.Load16(w3 + at);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(b1, x0, a01);
            a02 = Vector512.FusedMultiplyAdd(b2, x0, a02);
            a03 = Vector512.FusedMultiplyAdd(b3, x0, a03);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 16);
        a02.Store(y + 32);
        a03.Store(y + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows4Vectors1<T>(float* x, nint xStride, byte* w0, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a10 = Vector512.Load(y + yStride);
        Vector512<float> a20 = Vector512.Load(y + (2 * yStride));
        Vector512<float> a30 = Vector512.Load(y + (3 * yStride));
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(b0, x1, a10);
            Vector512<float> x2 = Vector512.Create(x[2 * xStride]);
            a20 = Vector512.FusedMultiplyAdd(b0, x2, a20);
            Vector512<float> x3 = Vector512.Create(x[3 * xStride]);
            a30 = Vector512.FusedMultiplyAdd(b0, x3, a30);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a10.Store(y + yStride);
        a20.Store(y + (2 * yStride));
        a30.Store(y + (3 * yStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1Vectors1<T>(float* x, byte* w0, nint wStride, float* y, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            x++;
            at += wStride;
        }

        a00.Store(y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* w0, byte* w1, byte* w2, byte* w3, nint at, nint ahead)
    {
        if (Sse.IsSupported && ahead != 0)
        {
            at += ahead;
            Sse.Prefetch0(w0 + at);
            Sse.Prefetch0(w1 + at);
            Sse.Prefetch0(w2 + at);
            Sse.Prefetch0(w3 + at);
        }
    }
}
