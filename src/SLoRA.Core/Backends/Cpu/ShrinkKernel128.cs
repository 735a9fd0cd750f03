using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <see cref="ShrinkKernel"/> with vectors of 128 bits. Lanes do not meet before the end, so 4 of the 16 go through all columns by
/// themselves, and the sums of two entries and four rank rows fit the registers.
/// </summary>
internal static unsafe class ShrinkKernel128
{
    private const int Quarter = 4;

    /// <summary>Adds the whole vectors of a tile; the columns behind them are left to the caller.</summary>
    /// <inheritdoc cref="ShrinkKernel.Add"/>
    public static void Add<T>(float** x, int firstColumn, int entries, byte* a, int stride, int columns, int rankRows, float* lanes)
        where T : struct, IElements
    {
        for (int lane = 0; lane < Lanes.Count; lane += Quarter)
        {
            byte* quarter = a + (lane * T.Size);
            for (int e = 0; e < entries; e += 2)
            {
                float* sums = lanes + (e * rankRows * Lanes.Count) + lane;
                switch (entries, rankRows)
                {
                    case (1, 4):
                        Entries1Rows4<T>(x[e] + firstColumn + lane, quarter, stride, columns, sums);
                        break;
                    case (1, 1):
                        Entries1Rows1<T>(x[e] + firstColumn + lane, quarter, columns, sums);
                        break;
                    case (_, 4):
                        Entries2Rows4<T>(x[e] + firstColumn + lane, x[e + 1] + firstColumn + lane, quarter, stride, columns, sums);
                        break;
                    default:
                        Entries1Rows1<T>(x[e] + firstColumn + lane, quarter, columns, sums);
                        Entries1Rows1<T>(x[e + 1] + firstColumn + lane, quarter, columns, sums + Lanes.Count);
                        break;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries2Rows4<T>(float* x0, float* x1, byte* a, int stride, int columns, float* lanes)
        where T : struct, IElements
    {
        nint rowBytes = (nint)stride * T.Size;
        Vector128<float> v00 = Vector128.Load(lanes);
        Vector128<float> v01 = Vector128.Load(lanes + 16);
        Vector128<float> v02 = Vector128.Load(lanes + 32);
        Vector128<float> v03 = Vector128.Load(lanes + 48);
        Vector128<float> v10 = Vector128.Load(lanes + 64);
        Vector128<float> v11 = Vector128.Load(lanes + 80);
        Vector128<float> v12 = Vector128.Load(lanes + 96);
        Vector128<float> v13 = Vector128.Load(lanes + 112);
        for (int column = 0; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector128<float> b0 = Vector128.Load(x0 + column);
            Vector128<float> b1 = Vector128.Load(x1 + column);
            Vector128<float> a0 = T.Load4(a);
            v00 = MultiplyAdd.Of(a0, b0, v00);
            v10 = MultiplyAdd.Of(a0, b1, v10);
            Vector128<float> a1 = T.Load4(a + rowBytes);
            v01 = MultiplyAdd.Of(a1, b0, v01);
            v11 = MultiplyAdd.Of(a1, b1, v11);
            Vector128<float> a2 = T.Load4(a + (2 * rowBytes));
            v02 = MultiplyAdd.Of(a2, b0, v02);
            v12 = MultiplyAdd.Of(a2, b1, v12);
            Vector128<float> a3 = T.Load4(a + (3 * rowBytes));
            v03 = MultiplyAdd.Of(a3, b0, v03);
            v13 = MultiplyAdd.Of(a3, b1, v13);
            a += Lanes.Count * T.Size;
        }

        v00.Store(lanes);
        v01.Store(lanes + 16);
        v02.Store(lanes + 32);
        v03.Store(lanes + 48);
        v10.Store(lanes + 64);
        v11.Store(lanes + 80);
        v12.Store(lanes + 96);
        v13.Store(lanes + 112);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries1Rows4<T>(float* x0, byte* a, int stride, int columns, float* lanes)
        where T : struct, IElements
    {
        nint rowBytes = (nint)stride * T.Size;
        Vector128<float> v00 = Vector128.Load(lanes);
        Vector128<float> v01 = Vector128.Load(lanes + 16);
        Vector128<float> v02 = Vector128.Load(lanes + 32);
        Vector128<float> v03 = Vector128.Load(lanes + 48);
        for (int column = 0; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector128<float> b0 = Vector128.Load(x0 + column);
            Vector128<float> a0 = T.Load4(a);
            v00 = MultiplyAdd.Of(a0, b0, v00);
            Vector128<float> a1 = T.Load4(a + rowBytes);
            v01 = MultiplyAdd.Of(a1, b0, v01);
            Vector128<float> a2 = T.Load4(a + (2 * rowBytes));
            v02 = MultiplyAdd.Of(a2, b0, v02);
            Vector128<float> a3 = T.Load4(a + (3 * rowBytes));
            v03 = MultiplyAdd.Of(a3, b0, v03);
            a += Lanes.Count * T.Size;
        }

        v00.Store(lanes);
        v01.Store(lanes + 16);
        v02.Store(lanes + 32);
        v03.Store(lanes + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Entries1Rows1<T>(float* x0, byte* a, int columns, float* lanes)
        where T : struct, IElements
    {
        Vector128<float> v00 = Vector128.Load(lanes);
        for (int column = 0; column + Lanes.Count <= columns; column += Lanes.Count)
        {
            Vector128<float> b0 = Vector128.Load(x0 + column);
            Vector128<float> a0 = T.Load4(a);
            v00 = MultiplyAdd.Of(a0, b0, v00);
            a += Lanes.Count * T.Size;
        }

        v00.Store(lanes);
    }
}
