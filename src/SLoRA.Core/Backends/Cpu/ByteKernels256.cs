using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The inner loop of products of bytes in 256 bits: rows of x, four signed bytes to a word, times a panel of unsigned bytes
/// (<see cref="IBytePanel"/>).
/// </summary>
internal static unsafe class ByteKernels256
{
    /// <summary>Rows of the kernel.</summary>
    public const int Rows = 6;

    /// <summary>6 rows, 1 panel: 12 accumulators.</summary>
    /// <param name="x">Row 0.</param>
    /// <param name="stride">Words from one row to the next.</param>
    /// <param name="rowGroups">What row 0 has for the groups.</param>
    /// <param name="groupStride">From there to the next row's.</param>
    /// <param name="w">The panel.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="result"><c>[6, 16]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows6Panels1<T>(int* x, nint stride, RowGroup* rowGroups, nint groupStride, byte* w, int groups, float* result)
        where T : struct, IInt8Groups
    {
        new Span<float>(result, Rows * Lanes.Count).Clear();
        int* x3 = x + (3 * stride);
        for (int group = 0; group < groups; group++)
        {
            RowGroup* of3 = rowGroups + (3 * groupStride);
            Vector256<int> a0 = ByteDot.Begin(rowGroups[0].Start), b0 = a0;
            Vector256<int> a1 = ByteDot.Begin(rowGroups[groupStride].Start), b1 = a1;
            Vector256<int> a2 = ByteDot.Begin(rowGroups[2 * groupStride].Start), b2 = a2;
            Vector256<int> a3 = ByteDot.Begin(of3[0].Start), b3 = a3;
            Vector256<int> a4 = ByteDot.Begin(of3[groupStride].Start), b4 = a4;
            Vector256<int> a5 = ByteDot.Begin(of3[2 * groupStride].Start), b5 = a5;
            for (int quad = 0; quad < T.Pairs / 2; quad++)
            {
                Vector256<byte> wa = Vector256.Load(w), wb = Vector256.Load(w + Vector256<byte>.Count);
                Vector256<byte> v0 = Vector256.Create(*x).AsByte();
                a0 = ByteDot.Add(a0, wa, v0);
                b0 = ByteDot.Add(b0, wb, v0);
                Vector256<byte> v1 = Vector256.Create(x[stride]).AsByte();
                a1 = ByteDot.Add(a1, wa, v1);
                b1 = ByteDot.Add(b1, wb, v1);
                Vector256<byte> v2 = Vector256.Create(x[2 * stride]).AsByte();
                a2 = ByteDot.Add(a2, wa, v2);
                b2 = ByteDot.Add(b2, wb, v2);
                Vector256<byte> v3 = Vector256.Create(*x3).AsByte();
                a3 = ByteDot.Add(a3, wa, v3);
                b3 = ByteDot.Add(b3, wb, v3);
                Vector256<byte> v4 = Vector256.Create(x3[stride]).AsByte();
                a4 = ByteDot.Add(a4, wa, v4);
                b4 = ByteDot.Add(b4, wb, v4);
                Vector256<byte> v5 = Vector256.Create(x3[2 * stride]).AsByte();
                a5 = ByteDot.Add(a5, wa, v5);
                b5 = ByteDot.Add(b5, wb, v5);
                w += 2 * Vector256<byte>.Count;
                x++;
                x3++;
            }

            Vector256<float> sa = Vector256.Load((float*)w), sb = Vector256.Load((float*)w + 8);
            AddGroup(result + 0, a0, b0, sa, sb, rowGroups[0]);
            AddGroup(result + 16, a1, b1, sa, sb, rowGroups[groupStride]);
            AddGroup(result + 32, a2, b2, sa, sb, rowGroups[2 * groupStride]);
            AddGroup(result + 48, a3, b3, sa, sb, of3[0]);
            AddGroup(result + 64, a4, b4, sa, sb, of3[groupStride]);
            AddGroup(result + 80, a5, b5, sa, sb, of3[2 * groupStride]);
            w += Int8Layout.ScaleBytes;
            rowGroups++;
        }
    }

    /// <summary><c>result = fma(sums, scales, result)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup(
        float* result, Vector256<int> a, Vector256<int> b, Vector256<float> scalesA, Vector256<float> scalesB, RowGroup row)
    {
        Vector256<float> ofRow = Vector256.Create(row.Scale);
        a = ByteDot.End(a, row.Start);
        b = ByteDot.End(b, row.Start);
        MultiplyAdd.Of(Vector256.ConvertToSingle(a), scalesA * ofRow, Vector256.Load(result)).Store(result);
        MultiplyAdd.Of(Vector256.ConvertToSingle(b), scalesB * ofRow, Vector256.Load(result + 8)).Store(result + 8);
    }
}
