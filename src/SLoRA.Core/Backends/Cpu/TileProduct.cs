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
    /// <summary>Rows of the largest kernels: so many at a time, or a multiple, leave none for the small ones.</summary>
    public const int Rows = 6;

    /// <summary>Whether the kernels of this machine ask for what lies ahead.</summary>
    public static bool AsksAhead => Sse.IsSupported && Vector256.IsHardwareAccelerated;

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

        if (Vector512.IsHardwareAccelerated && column + 32 <= n)
        {
            TileProduct512.Add32<T>(x, xStride, w + (column * T.Size), wStride, y + column, yStride, m, k);
            column += 32;
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
            TileProduct256.Add64<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, m, k, ahead);
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

        TileProduct512.Add64<T>(x, xStride, w0, w1, w2, w3, wStride, y, yStride, m, k, ahead);
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

        TileProduct512.Add16<T>(x, xStride, w, wStride, y, yStride, m, k);
    }

    /// <summary>Asks for what lies so many bytes ahead; 0 asks for nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* w, nint ahead)
    {
        if (Sse.IsSupported && ahead != 0)
        {
            Sse.Prefetch0(w + ahead);
        }
    }
}
