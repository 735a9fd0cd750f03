using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <see cref="TileProduct"/> with vectors of 512 bits, whose 32 registers hold up to 24 sums. A multiply-add takes four steps of which two
/// begin at a time, so fewer than 8 sums wait for each other.
/// </summary>
internal static unsafe class TileProduct512
{
    /// <summary>Adds the product of M × 64 × K, W in four pieces of 16 columns, and asks for what lies ahead.</summary>
    public static void Add64<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int m, int k, nint ahead)
        where T : struct, IElements
    {
        // Half precision needs the registers that two more rows would take.
        while (typeof(T) != typeof(F16Elements) && m >= 6 && m != 8)
        {
            Rows6Vectors4<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, k, ahead);
            ahead = 0;
            x += 6 * xStride;
            y += 6 * yStride;
            m -= 6;
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

    /// <summary>Adds the product of M × 32 × K.</summary>
    public static void Add32<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int k)
        where T : struct, IElements
    {
        for (; m >= 4; m -= 4)
        {
            Rows4Vectors2<T>(x, xStride, w, wStride, y, yStride, k);
            x += 4 * xStride;
            y += 4 * yStride;
        }

        for (; m > 0; m--)
        {
            Rows1Vectors2<T>(x, w, wStride, y, k);
            x += xStride;
            y += yStride;
        }
    }

    /// <summary>Adds the product of M × 16 × K.</summary>
    public static void Add16<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int k)
        where T : struct, IElements
    {
        for (; m >= 8; m -= 8)
        {
            Rows8Vectors1<T>(x, xStride, w, wStride, y, yStride, k);
            x += 8 * xStride;
            y += 8 * yStride;
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
    private static void Rows6Vectors4<T>(
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
        Vector512<float> a40 = Vector512.Load(y + (4 * yStride));
        Vector512<float> a41 = Vector512.Load(y + (4 * yStride) + 16);
        Vector512<float> a42 = Vector512.Load(y + (4 * yStride) + 32);
        Vector512<float> a43 = Vector512.Load(y + (4 * yStride) + 48);
        Vector512<float> a50 = Vector512.Load(y + (5 * yStride));
        Vector512<float> a51 = Vector512.Load(y + (5 * yStride) + 16);
        Vector512<float> a52 = Vector512.Load(y + (5 * yStride) + 32);
        Vector512<float> a53 = Vector512.Load(y + (5 * yStride) + 48);
        float* upper = x + (3 * xStride);
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
            Vector512<float> x3 = Vector512.Create(*upper);
            a30 = Vector512.FusedMultiplyAdd(b0, x3, a30);
            a31 = Vector512.FusedMultiplyAdd(b1, x3, a31);
            a32 = Vector512.FusedMultiplyAdd(b2, x3, a32);
            a33 = Vector512.FusedMultiplyAdd(b3, x3, a33);
            Vector512<float> x4 = Vector512.Create(upper[xStride]);
            a40 = Vector512.FusedMultiplyAdd(b0, x4, a40);
            a41 = Vector512.FusedMultiplyAdd(b1, x4, a41);
            a42 = Vector512.FusedMultiplyAdd(b2, x4, a42);
            a43 = Vector512.FusedMultiplyAdd(b3, x4, a43);
            Vector512<float> x5 = Vector512.Create(upper[2 * xStride]);
            a50 = Vector512.FusedMultiplyAdd(b0, x5, a50);
            a51 = Vector512.FusedMultiplyAdd(b1, x5, a51);
            a52 = Vector512.FusedMultiplyAdd(b2, x5, a52);
            a53 = Vector512.FusedMultiplyAdd(b3, x5, a53);
            x++;
            upper++;
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
        a40.Store(y + (4 * yStride));
        a41.Store(y + (4 * yStride) + 16);
        a42.Store(y + (4 * yStride) + 32);
        a43.Store(y + (4 * yStride) + 48);
        a50.Store(y + (5 * yStride));
        a51.Store(y + (5 * yStride) + 16);
        a52.Store(y + (5 * yStride) + 32);
        a53.Store(y + (5 * yStride) + 48);
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
    private static void Rows4Vectors2<T>(float* x, nint xStride, byte* w0, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a01 = Vector512.Load(y + 16);
        Vector512<float> a10 = Vector512.Load(y + yStride);
        Vector512<float> a11 = Vector512.Load(y + yStride + 16);
        Vector512<float> a20 = Vector512.Load(y + (2 * yStride));
        Vector512<float> a21 = Vector512.Load(y + (2 * yStride) + 16);
        Vector512<float> a30 = Vector512.Load(y + (3 * yStride));
        Vector512<float> a31 = Vector512.Load(y + (3 * yStride) + 16);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> b1 = T.Load16(w0 + at + (16 * T.Size));
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(b1, x0, a01);
            Vector512<float> x1 = Vector512.Create(x[xStride]);
            a10 = Vector512.FusedMultiplyAdd(b0, x1, a10);
            a11 = Vector512.FusedMultiplyAdd(b1, x1, a11);
            Vector512<float> x2 = Vector512.Create(x[2 * xStride]);
            a20 = Vector512.FusedMultiplyAdd(b0, x2, a20);
            a21 = Vector512.FusedMultiplyAdd(b1, x2, a21);
            Vector512<float> x3 = Vector512.Create(x[3 * xStride]);
            a30 = Vector512.FusedMultiplyAdd(b0, x3, a30);
            a31 = Vector512.FusedMultiplyAdd(b1, x3, a31);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 16);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 16);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 16);
        a30.Store(y + (3 * yStride));
        a31.Store(y + (3 * yStride) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1Vectors2<T>(float* x, byte* w0, nint wStride, float* y, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a01 = Vector512.Load(y + 16);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Vector512<float> b0 = T.Load16(w0 + at);
            Vector512<float> b1 = T.Load16(w0 + at + (16 * T.Size));
            Vector512<float> x0 = Vector512.Create(*x);
            a00 = Vector512.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector512.FusedMultiplyAdd(b1, x0, a01);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows8Vectors1<T>(float* x, nint xStride, byte* w0, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector512<float> a00 = Vector512.Load(y);
        Vector512<float> a10 = Vector512.Load(y + yStride);
        Vector512<float> a20 = Vector512.Load(y + (2 * yStride));
        Vector512<float> a30 = Vector512.Load(y + (3 * yStride));
        Vector512<float> a40 = Vector512.Load(y + (4 * yStride));
        Vector512<float> a50 = Vector512.Load(y + (5 * yStride));
        Vector512<float> a60 = Vector512.Load(y + (6 * yStride));
        Vector512<float> a70 = Vector512.Load(y + (7 * yStride));
        float* upper = x + (4 * xStride);
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
            Vector512<float> x4 = Vector512.Create(*upper);
            a40 = Vector512.FusedMultiplyAdd(b0, x4, a40);
            Vector512<float> x5 = Vector512.Create(upper[xStride]);
            a50 = Vector512.FusedMultiplyAdd(b0, x5, a50);
            Vector512<float> x6 = Vector512.Create(upper[2 * xStride]);
            a60 = Vector512.FusedMultiplyAdd(b0, x6, a60);
            Vector512<float> x7 = Vector512.Create(upper[3 * xStride]);
            a70 = Vector512.FusedMultiplyAdd(b0, x7, a70);
            x++;
            upper++;
            at += wStride;
        }

        a00.Store(y);
        a10.Store(y + yStride);
        a20.Store(y + (2 * yStride));
        a30.Store(y + (3 * yStride));
        a40.Store(y + (4 * yStride));
        a50.Store(y + (5 * yStride));
        a60.Store(y + (6 * yStride));
        a70.Store(y + (7 * yStride));
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
