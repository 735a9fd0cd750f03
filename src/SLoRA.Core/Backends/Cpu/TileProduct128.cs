using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <see cref="TileProduct"/> with vectors of 128 bits, whose 16 registers (32 on Arm64) hold 6 or 8 sums: the same order, so the same bits
/// wherever <see cref="MultiplyAdd"/> is the same.
/// </summary>
internal static unsafe class TileProduct128
{
    /// <summary>Adds the product of M × 16 × K.</summary>
    public static void Add16<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int m, int k)
        where T : struct, IElements
    {
        for (; m >= 4; m -= 4)
        {
            Rows4Columns8<T>(x, xStride, w, wStride, y, yStride, k);
            Rows4Columns8<T>(x, xStride, w + (8 * T.Size), wStride, y + 8, yStride, k);
            x += 4 * xStride;
            y += 4 * yStride;
        }

        switch (m)
        {
            case 3:
                Rows3Columns8<T>(x, xStride, w, wStride, y, yStride, k);
                Rows3Columns8<T>(x, xStride, w + (8 * T.Size), wStride, y + 8, yStride, k);
                break;
            case 2:
                Rows2Columns16<T>(x, xStride, w, wStride, y, yStride, k);
                break;
            case 1:
                Rows1Columns16<T>(x, w, wStride, y, k);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows4Columns8<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector128<float> a00 = Vector128.Load(y);
        Vector128<float> a01 = Vector128.Load(y + 4);
        Vector128<float> a10 = Vector128.Load(y + yStride);
        Vector128<float> a11 = Vector128.Load(y + yStride + 4);
        Vector128<float> a20 = Vector128.Load(y + (2 * yStride));
        Vector128<float> a21 = Vector128.Load(y + (2 * yStride) + 4);
        Vector128<float> a30 = Vector128.Load(y + (3 * yStride));
        Vector128<float> a31 = Vector128.Load(y + (3 * yStride) + 4);
        for (int i = 0; i < k; i++)
        {
            Vector128<float> x0 = Vector128.Create(*x);
            Vector128<float> x1 = Vector128.Create(x[xStride]);
            Vector128<float> x2 = Vector128.Create(x[2 * xStride]);
            Vector128<float> x3 = Vector128.Create(x[3 * xStride]);
            Vector128<float> b0 = T.Load4(w);
            a00 = MultiplyAdd.Of(b0, x0, a00);
            a10 = MultiplyAdd.Of(b0, x1, a10);
            a20 = MultiplyAdd.Of(b0, x2, a20);
            a30 = MultiplyAdd.Of(b0, x3, a30);
            Vector128<float> b1 = T.Load4(w + (4 * T.Size));
            a01 = MultiplyAdd.Of(b1, x0, a01);
            a11 = MultiplyAdd.Of(b1, x1, a11);
            a21 = MultiplyAdd.Of(b1, x2, a21);
            a31 = MultiplyAdd.Of(b1, x3, a31);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a01.Store(y + 4);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 4);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 4);
        a30.Store(y + (3 * yStride));
        a31.Store(y + (3 * yStride) + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows3Columns8<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector128<float> a00 = Vector128.Load(y);
        Vector128<float> a01 = Vector128.Load(y + 4);
        Vector128<float> a10 = Vector128.Load(y + yStride);
        Vector128<float> a11 = Vector128.Load(y + yStride + 4);
        Vector128<float> a20 = Vector128.Load(y + (2 * yStride));
        Vector128<float> a21 = Vector128.Load(y + (2 * yStride) + 4);
        for (int i = 0; i < k; i++)
        {
            Vector128<float> x0 = Vector128.Create(*x);
            Vector128<float> x1 = Vector128.Create(x[xStride]);
            Vector128<float> x2 = Vector128.Create(x[2 * xStride]);
            Vector128<float> b0 = T.Load4(w);
            a00 = MultiplyAdd.Of(b0, x0, a00);
            a10 = MultiplyAdd.Of(b0, x1, a10);
            a20 = MultiplyAdd.Of(b0, x2, a20);
            Vector128<float> b1 = T.Load4(w + (4 * T.Size));
            a01 = MultiplyAdd.Of(b1, x0, a01);
            a11 = MultiplyAdd.Of(b1, x1, a11);
            a21 = MultiplyAdd.Of(b1, x2, a21);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a01.Store(y + 4);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 4);
        a20.Store(y + (2 * yStride));
        a21.Store(y + (2 * yStride) + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows2Columns16<T>(float* x, nint xStride, byte* w, nint wStride, float* y, nint yStride, int k)
        where T : struct, IElements
    {
        Vector128<float> a00 = Vector128.Load(y);
        Vector128<float> a01 = Vector128.Load(y + 4);
        Vector128<float> a02 = Vector128.Load(y + 8);
        Vector128<float> a03 = Vector128.Load(y + 12);
        Vector128<float> a10 = Vector128.Load(y + yStride);
        Vector128<float> a11 = Vector128.Load(y + yStride + 4);
        Vector128<float> a12 = Vector128.Load(y + yStride + 8);
        Vector128<float> a13 = Vector128.Load(y + yStride + 12);
        for (int i = 0; i < k; i++)
        {
            Vector128<float> x0 = Vector128.Create(*x);
            Vector128<float> x1 = Vector128.Create(x[xStride]);
            Vector128<float> b0 = T.Load4(w);
            a00 = MultiplyAdd.Of(b0, x0, a00);
            a10 = MultiplyAdd.Of(b0, x1, a10);
            Vector128<float> b1 = T.Load4(w + (4 * T.Size));
            a01 = MultiplyAdd.Of(b1, x0, a01);
            a11 = MultiplyAdd.Of(b1, x1, a11);
            Vector128<float> b2 = T.Load4(w + (8 * T.Size));
            a02 = MultiplyAdd.Of(b2, x0, a02);
            a12 = MultiplyAdd.Of(b2, x1, a12);
            Vector128<float> b3 = T.Load4(w + (12 * T.Size));
            a03 = MultiplyAdd.Of(b3, x0, a03);
            a13 = MultiplyAdd.Of(b3, x1, a13);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a01.Store(y + 4);
        a02.Store(y + 8);
        a03.Store(y + 12);
        a10.Store(y + yStride);
        a11.Store(y + yStride + 4);
        a12.Store(y + yStride + 8);
        a13.Store(y + yStride + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows1Columns16<T>(float* x, byte* w, nint wStride, float* y, int k)
        where T : struct, IElements
    {
        Vector128<float> a00 = Vector128.Load(y);
        Vector128<float> a01 = Vector128.Load(y + 4);
        Vector128<float> a02 = Vector128.Load(y + 8);
        Vector128<float> a03 = Vector128.Load(y + 12);
        for (int i = 0; i < k; i++)
        {
            Vector128<float> x0 = Vector128.Create(*x);
            Vector128<float> b0 = T.Load4(w);
            a00 = MultiplyAdd.Of(b0, x0, a00);
            Vector128<float> b1 = T.Load4(w + (4 * T.Size));
            a01 = MultiplyAdd.Of(b1, x0, a01);
            Vector128<float> b2 = T.Load4(w + (8 * T.Size));
            a02 = MultiplyAdd.Of(b2, x0, a02);
            Vector128<float> b3 = T.Load4(w + (12 * T.Size));
            a03 = MultiplyAdd.Of(b3, x0, a03);
            x++;
            w += wStride;
        }

        a00.Store(y);
        a01.Store(y + 4);
        a02.Store(y + 8);
        a03.Store(y + 12);
    }
}
