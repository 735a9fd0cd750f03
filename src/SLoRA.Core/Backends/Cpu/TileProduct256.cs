using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <see cref="TileProduct"/> with vectors of 256 bits, whose 16 registers hold 8 or 12 sums: the same order, the same bits.
/// </summary>
internal static unsafe class TileProduct256
{
    /// <summary>Adds the product of M × 64 × K, W in four pieces of 16 columns, and asks for what lies ahead.</summary>
    public static void Add64<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int m, int k, nint ahead)
        where T : struct, IElements
    {
        // Half precision needs the registers that two more rows would take.
        for (; typeof(T) != typeof(F16Elements) && m >= 6 && m != 8; m -= 6)
        {
            Rows6Columns16<T>(x, xStride, w0, wStride, y, yStride, k, ahead);
            Rows6Columns16<T>(x, xStride, w1, wStride, y + 16, yStride, k, ahead);
            Rows6Columns16<T>(x, xStride, w2, wStride, y + 32, yStride, k, ahead);
            Rows6Columns16<T>(x, xStride, w3, wStride, y + 48, yStride, k, ahead);
            ahead = 0;
            x += 6 * xStride;
            y += 6 * yStride;
        }

        for (; m >= 4; m -= 4)
        {
            Rows4Columns16<T>(x, xStride, w0, wStride, y, yStride, k, ahead);
            Rows4Columns16<T>(x, xStride, w1, wStride, y + 16, yStride, k, ahead);
            Rows4Columns16<T>(x, xStride, w2, wStride, y + 32, yStride, k, ahead);
            Rows4Columns16<T>(x, xStride, w3, wStride, y + 48, yStride, k, ahead);
            ahead = 0;
            x += 4 * xStride;
            y += 4 * yStride;
        }

        switch (m)
        {
            case 3:
                Rows3Columns32<T>(x, xStride, w0, w1, wStride, y, yStride, k, ahead);
                Rows3Columns32<T>(x, xStride, w2, w3, wStride, y + 32, yStride, k, ahead);
                break;
            case 2:
                Rows2Columns32<T>(x, xStride, w0, w1, wStride, y, yStride, k, ahead);
                Rows2Columns32<T>(x, xStride, w2, w3, wStride, y + 32, yStride, k, ahead);
                break;
            case 1:
                Rows1Columns64<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, k, ahead);
                break;
        }
    }

    /// <summary>Adds the product of M × 16 × K.</summary>
    public static void Add16<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int k)
        where T : struct, IElements
    {
        for (; typeof(T) != typeof(F16Elements) && m >= 6 && m != 8; m -= 6)
        {
            Rows6Columns16<T>(x, xStride, w, wStride, y, yStride, k, ahead: 0);
            x += 6 * xStride;
            y += 6 * yStride;
        }

        for (; m >= 4; m -= 4)
        {
            Rows4Columns16<T>(x, xStride, w, wStride, y, yStride, k, ahead: 0);
            x += 4 * xStride;
            y += 4 * yStride;
        }

        for (; m > 0; m--)
        {
            Rows1Columns16<T>(x, xStride, w, wStride, y, yStride, k);
            x += xStride;
            y += yStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows6Columns16<T>(float* x, nint xStride, byte* w0, nint wStride, float* y, nint yStride, int k, nint ahead)
        where T : struct, IElements
    {
        Vector256<float> a00 = Vector256.Load(y);
        Vector256<float> a01 = Vector256.Load(y + 8);
        Vector256<float> a10 = Vector256.Load(y + yStride);
        Vector256<float> a11 = Vector256.Load(y + yStride + 8);
        Vector256<float> a20 = Vector256.Load(y + (2 * yStride));
        Vector256<float> a21 = Vector256.Load(y + (2 * yStride) + 8);
        Vector256<float> a30 = Vector256.Load(y + (3 * yStride));
        Vector256<float> a31 = Vector256.Load(y + (3 * yStride) + 8);
        Vector256<float> a40 = Vector256.Load(y + (4 * yStride));
        Vector256<float> a41 = Vector256.Load(y + (4 * yStride) + 8);
        Vector256<float> a50 = Vector256.Load(y + (5 * yStride));
        Vector256<float> a51 = Vector256.Load(y + (5 * yStride) + 8);
        float* upper = x + (3 * xStride);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            TileProduct.Fetch(w0 + at, ahead);
            Vector256<float> b0 = T.Load8(w0 + at);
            Vector256<float> b1 = T.Load8(w0 + at + (8 * T.Size));
            Vector256<float> x0 = Vector256.Create(*x);
            a00 = Vector256.FusedMultiplyAdd(b0, x0, a00);
            a01 = Vector256.FusedMultiplyAdd(b1, x0, a01);
            Vector256<float> x1 = Vector256.Create(x[xStride]);
            a10 = Vector256.FusedMultiplyAdd(b0, x1, a10);
            a11 = Vector256.FusedMultiplyAdd(b1, x1, a11);
            Vector256<float> x2 = Vector256.Create(x[2 * xStride]);
            a20 = Vector256.FusedMultiplyAdd(b0, x2, a20);
            a21 = Vector256.FusedMultiplyAdd(b1, x2, a21);
            Vector256<float> x3 = Vector256.Create(*upper);
            a30 = Vector256.FusedMultiplyAdd(b0, x3, a30);
            a31 = Vector256.FusedMultiplyAdd(b1, x3, a31);
            Vector256<float> x4 = Vector256.Create(upper[xStride]);
            a40 = Vector256.FusedMultiplyAdd(b0, x4, a40);
            a41 = Vector256.FusedMultiplyAdd(b1, x4, a41);
            Vector256<float> x5 = Vector256.Create(upper[2 * xStride]);
            a50 = Vector256.FusedMultiplyAdd(b0, x5, a50);
            a51 = Vector256.FusedMultiplyAdd(b1, x5, a51);
            x++;
            upper++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 8);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 8);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 8);
        a30.Store(y + (3 * yStride));
        a31.Store(y + (3 * yStride) + 8);
        a40.Store(y + (4 * yStride));
        a41.Store(y + (4 * yStride) + 8);
        a50.Store(y + (5 * yStride));
        a51.Store(y + (5 * yStride) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows4Columns16<T>(float* x, nint xStride, byte* w0, nint wStride, float* y, nint yStride, int k, nint ahead)
        where T : struct, IElements
    {
        Vector256<float> a00 = Vector256.Load(y);
        Vector256<float> a01 = Vector256.Load(y + 8);
        Vector256<float> a10 = Vector256.Load(y + yStride);
        Vector256<float> a11 = Vector256.Load(y + yStride + 8);
        Vector256<float> a20 = Vector256.Load(y + (2 * yStride));
        Vector256<float> a21 = Vector256.Load(y + (2 * yStride) + 8);
        Vector256<float> a30 = Vector256.Load(y + (3 * yStride));
        Vector256<float> a31 = Vector256.Load(y + (3 * yStride) + 8);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            TileProduct.Fetch(w0 + at, ahead);
            Vector256<float> x0 = Vector256.Create(*x);
            Vector256<float> x1 = Vector256.Create(x[xStride]);
            Vector256<float> x2 = Vector256.Create(x[2 * xStride]);
            Vector256<float> x3 = Vector256.Create(x[3 * xStride]);
            Vector256<float> b0 = T.Load8(w0 + at);
            a00 = Vector256.FusedMultiplyAdd(b0, x0, a00);
            a10 = Vector256.FusedMultiplyAdd(b0, x1, a10);
            a20 = Vector256.FusedMultiplyAdd(b0, x2, a20);
            a30 = Vector256.FusedMultiplyAdd(b0, x3, a30);
            Vector256<float> b1 = T.Load8(w0 + at + (8 * T.Size));
            a01 = Vector256.FusedMultiplyAdd(b1, x0, a01);
            a11 = Vector256.FusedMultiplyAdd(b1, x1, a11);
            a21 = Vector256.FusedMultiplyAdd(b1, x2, a21);
            a31 = Vector256.FusedMultiplyAdd(b1, x3, a31);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 8);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 8);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 8);
        a30.Store(y + (3 * yStride));
        a31.Store(y + (3 * yStride) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows3Columns32<T>(
        float* x, nint xStride, byte* w0, byte* w1, nint wStride, float* y, nint yStride, int k, nint ahead)
        where T : struct, IElements
    {
        Vector256<float> a00 = Vector256.Load(y);
        Vector256<float> a01 = Vector256.Load(y + 8);
        Vector256<float> a02 = Vector256.Load(y + 16);
        Vector256<float> a03 = Vector256.Load(y + 24);
        Vector256<float> a10 = Vector256.Load(y + yStride);
        Vector256<float> a11 = Vector256.Load(y + yStride + 8);
        Vector256<float> a12 = Vector256.Load(y + yStride + 16);
        Vector256<float> a13 = Vector256.Load(y + yStride + 24);
        Vector256<float> a20 = Vector256.Load(y + (2 * yStride));
        Vector256<float> a21 = Vector256.Load(y + (2 * yStride) + 8);
        Vector256<float> a22 = Vector256.Load(y + (2 * yStride) + 16);
        Vector256<float> a23 = Vector256.Load(y + (2 * yStride) + 24);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            TileProduct.Fetch(w0 + at, ahead);
            TileProduct.Fetch(w1 + at, ahead);
            Vector256<float> x0 = Vector256.Create(*x);
            Vector256<float> x1 = Vector256.Create(x[xStride]);
            Vector256<float> x2 = Vector256.Create(x[2 * xStride]);
            Vector256<float> b0 = T.Load8(w0 + at);
            a00 = Vector256.FusedMultiplyAdd(b0, x0, a00);
            a10 = Vector256.FusedMultiplyAdd(b0, x1, a10);
            a20 = Vector256.FusedMultiplyAdd(b0, x2, a20);
            Vector256<float> b1 = T.Load8(w0 + at + (8 * T.Size));
            a01 = Vector256.FusedMultiplyAdd(b1, x0, a01);
            a11 = Vector256.FusedMultiplyAdd(b1, x1, a11);
            a21 = Vector256.FusedMultiplyAdd(b1, x2, a21);
            Vector256<float> b2 = T.Load8(w1 + at);
            a02 = Vector256.FusedMultiplyAdd(b2, x0, a02);
            a12 = Vector256.FusedMultiplyAdd(b2, x1, a12);
            a22 = Vector256.FusedMultiplyAdd(b2, x2, a22);
            Vector256<float> b3 = T.Load8(w1 + at + (8 * T.Size));
            a03 = Vector256.FusedMultiplyAdd(b3, x0, a03);
            a13 = Vector256.FusedMultiplyAdd(b3, x1, a13);
            a23 = Vector256.FusedMultiplyAdd(b3, x2, a23);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 8);
        a02.Store(y + 16);
        a03.Store(y + 24);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 8);
        a12.Store(y + yStride + 16);
        a13.Store(y + yStride + 24);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 8);
        a22.Store(y + (2 * yStride) + 16);
        a23.Store(y + (2 * yStride) + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows2Columns32<T>(
        float* x, nint xStride, byte* w0, byte* w1, nint wStride, float* y, nint yStride, int k, nint ahead)
        where T : struct, IElements
    {
        Vector256<float> a00 = Vector256.Load(y);
        Vector256<float> a01 = Vector256.Load(y + 8);
        Vector256<float> a02 = Vector256.Load(y + 16);
        Vector256<float> a03 = Vector256.Load(y + 24);
        Vector256<float> a10 = Vector256.Load(y + yStride);
        Vector256<float> a11 = Vector256.Load(y + yStride + 8);
        Vector256<float> a12 = Vector256.Load(y + yStride + 16);
        Vector256<float> a13 = Vector256.Load(y + yStride + 24);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            TileProduct.Fetch(w0 + at, ahead);
            TileProduct.Fetch(w1 + at, ahead);
            Vector256<float> x0 = Vector256.Create(*x);
            Vector256<float> x1 = Vector256.Create(x[xStride]);
            Vector256<float> b0 = T.Load8(w0 + at);
            a00 = Vector256.FusedMultiplyAdd(b0, x0, a00);
            a10 = Vector256.FusedMultiplyAdd(b0, x1, a10);
            Vector256<float> b1 = T.Load8(w0 + at + (8 * T.Size));
            a01 = Vector256.FusedMultiplyAdd(b1, x0, a01);
            a11 = Vector256.FusedMultiplyAdd(b1, x1, a11);
            Vector256<float> b2 = T.Load8(w1 + at);
            a02 = Vector256.FusedMultiplyAdd(b2, x0, a02);
            a12 = Vector256.FusedMultiplyAdd(b2, x1, a12);
            Vector256<float> b3 = T.Load8(w1 + at + (8 * T.Size));
            a03 = Vector256.FusedMultiplyAdd(b3, x0, a03);
            a13 = Vector256.FusedMultiplyAdd(b3, x1, a13);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 8);
        a02.Store(y + 16);
        a03.Store(y + 24);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 8);
        a12.Store(y + yStride + 16);
        a13.Store(y + yStride + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1Columns64<T>(
        float* x, nint xStride, byte* w0, byte* w1, byte* w2, byte* w3, nint wStride, float* y, nint yStride, int k, nint ahead)
        where T : struct, IElements
    {
        Vector256<float> a00 = Vector256.Load(y);
        Vector256<float> a01 = Vector256.Load(y + 8);
        Vector256<float> a02 = Vector256.Load(y + 16);
        Vector256<float> a03 = Vector256.Load(y + 24);
        Vector256<float> a04 = Vector256.Load(y + 32);
        Vector256<float> a05 = Vector256.Load(y + 40);
        Vector256<float> a06 = Vector256.Load(y + 48);
        Vector256<float> a07 = Vector256.Load(y + 56);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            TileProduct.Fetch(w0 + at, ahead);
            TileProduct.Fetch(w1 + at, ahead);
            TileProduct.Fetch(w2 + at, ahead);
            TileProduct.Fetch(w3 + at, ahead);
            Vector256<float> x0 = Vector256.Create(*x);
            Vector256<float> b0 = T.Load8(w0 + at);
            a00 = Vector256.FusedMultiplyAdd(b0, x0, a00);
            Vector256<float> b1 = T.Load8(w0 + at + (8 * T.Size));
            a01 = Vector256.FusedMultiplyAdd(b1, x0, a01);
            Vector256<float> b2 = T.Load8(w1 + at);
            a02 = Vector256.FusedMultiplyAdd(b2, x0, a02);
            Vector256<float> b3 = T.Load8(w1 + at + (8 * T.Size));
            a03 = Vector256.FusedMultiplyAdd(b3, x0, a03);
            Vector256<float> b4 = T.Load8(w2 + at);
            a04 = Vector256.FusedMultiplyAdd(b4, x0, a04);
            Vector256<float> b5 = T.Load8(w2 + at + (8 * T.Size));
            a05 = Vector256.FusedMultiplyAdd(b5, x0, a05);
            Vector256<float> b6 = T.Load8(w3 + at);
            a06 = Vector256.FusedMultiplyAdd(b6, x0, a06);
            Vector256<float> b7 = T.Load8(w3 + at + (8 * T.Size));
            a07 = Vector256.FusedMultiplyAdd(b7, x0, a07);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 8);
        a02.Store(y + 16);
        a03.Store(y + 24);
        a04.Store(y + 32);
        a05.Store(y + 40);
        a06.Store(y + 48);
        a07.Store(y + 56);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1Columns16<T>(float* x, nint xStride, byte* w0, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector256<float> a00 = Vector256.Load(y);
        Vector256<float> a01 = Vector256.Load(y + 8);
        nint at = 0;
        for (int i = 0; i < k; i++)
        {
            Vector256<float> x0 = Vector256.Create(*x);
            Vector256<float> b0 = T.Load8(w0 + at);
            a00 = Vector256.FusedMultiplyAdd(b0, x0, a00);
            Vector256<float> b1 = T.Load8(w0 + at + (8 * T.Size));
            a01 = Vector256.FusedMultiplyAdd(b1, x0, a01);
            x++;
            at += wStride;
        }

        a00.Store(y);
        a01.Store(y + 8);
    }
}
