using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The inner loops of products of bytes in 256 bits: rows of x, four signed bytes to a word, times a panel of unsigned bytes
/// (<see cref="IBytePanel"/>).
/// </summary>
internal static unsafe class ByteKernels256
{
    /// <summary>Rows of the kernel whose sums are added up over a group.</summary>
    public const int Rows = 6;

    /// <summary>Rows of the kernel whose sums are widened with every two quads.</summary>
    public const int WideningRows = 4;

    /// <summary>How often <see cref="Rows6Panels1"/> asks for memory, for a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Steps<T>()
        where T : struct, IInt8Groups
        => T.Pairs / 2;

    /// <summary>How often <see cref="Rows4Panels1"/> does, for two lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WideningSteps<T>()
        where T : struct, IInt8Groups
        => T.Pairs / 4;

    /// <summary>6 rows, 1 panel: 12 accumulators, for bytes whose groups <see cref="ByteDot.Add"/> takes.</summary>
    /// <param name="of">What it reads and writes, <c>[6, 16]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows6Panels1<T>(in IntegerProductArguments of)
        where T : struct, IInt8Groups
    {
        int* x = of.X;
        byte* w = of.Weights, ahead = of.Ahead;
        nint stride = of.Stride / sizeof(int), groupStride = of.ScaleStride / sizeof(RowGroup), aheadStep = of.AheadStep;
        var rowGroups = (RowGroup*)of.Scales;
        float* result = of.Result;
        new Span<float>(result, Rows * Lanes.Count).Clear();
        int* x3 = x + (3 * stride);
        for (nint group = of.Groups; group > 0; group--)
        {
            RowGroup* of3 = rowGroups + (3 * groupStride);
            Vector256<int> a0 = ByteDot.Begin(rowGroups), b0 = a0;
            Vector256<int> a1 = ByteDot.Begin(rowGroups + groupStride), b1 = a1;
            Vector256<int> a2 = ByteDot.Begin(rowGroups + (2 * groupStride)), b2 = a2;
            Vector256<int> a3 = ByteDot.Begin(of3), b3 = a3;
            Vector256<int> a4 = ByteDot.Begin(of3 + groupStride), b4 = a4;
            Vector256<int> a5 = ByteDot.Begin(of3 + (2 * groupStride)), b5 = a5;
            for (int quad = 0; quad < Steps<T>(); quad++)
            {
                Fetch(ahead);
                ahead += aheadStep;
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
            EndGroup(result + 0, a0, b0, sa, sb, rowGroups);
            EndGroup(result + 16, a1, b1, sa, sb, rowGroups + groupStride);
            EndGroup(result + 32, a2, b2, sa, sb, rowGroups + (2 * groupStride));
            EndGroup(result + 48, a3, b3, sa, sb, of3);
            EndGroup(result + 64, a4, b4, sa, sb, of3 + groupStride);
            EndGroup(result + 80, a5, b5, sa, sb, of3 + (2 * groupStride));
            w += Int8Layout.ScaleBytes;
            rowGroups++;
        }
    }

    /// <summary>4 rows, 1 panel: 8 accumulators of 32 bits, for bytes that <see cref="ByteDot.AddTwo"/> takes.</summary>
    /// <param name="of">What it reads and writes, <c>[4, 16]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows4Panels1<T>(in IntegerProductArguments of)
        where T : struct, IInt8Groups
    {
        int* x = of.X;
        byte* w = of.Weights, ahead = of.Ahead;
        nint stride = of.Stride / sizeof(int), groupStride = of.ScaleStride / sizeof(RowGroup), aheadStep = of.AheadStep;
        var rowGroups = (RowGroup*)of.Scales;
        float* result = of.Result;
        new Span<float>(result, WideningRows * Lanes.Count).Clear();
        int* x2 = x + (2 * stride);
        for (nint group = of.Groups; group > 0; group--)
        {
            RowGroup* of2 = rowGroups + (2 * groupStride);
            Vector256<int> a0 = Vector256.Create(rowGroups[0].Start), b0 = a0;
            Vector256<int> a1 = Vector256.Create(rowGroups[groupStride].Start), b1 = a1;
            Vector256<int> a2 = Vector256.Create(of2[0].Start), b2 = a2;
            Vector256<int> a3 = Vector256.Create(of2[groupStride].Start), b3 = a3;
            for (int step = 0; step < WideningSteps<T>(); step++)
            {
                Fetch(ahead);
                Fetch(ahead + AlignedMemory.Alignment);
                ahead += aheadStep;
                Vector256<byte> wa0 = Vector256.Load(w), wb0 = Vector256.Load(w + 32);
                Vector256<byte> wa1 = Vector256.Load(w + 64), wb1 = Vector256.Load(w + 96);
                Vector256<byte> v0 = Vector256.Create(x[0]).AsByte(), v1 = Vector256.Create(x[1]).AsByte();
                a0 = ByteDot.AddTwo(a0, wa0, v0, wa1, v1);
                b0 = ByteDot.AddTwo(b0, wb0, v0, wb1, v1);
                (v0, v1) = (Vector256.Create(x[stride]).AsByte(), Vector256.Create(x[stride + 1]).AsByte());
                a1 = ByteDot.AddTwo(a1, wa0, v0, wa1, v1);
                b1 = ByteDot.AddTwo(b1, wb0, v0, wb1, v1);
                (v0, v1) = (Vector256.Create(x2[0]).AsByte(), Vector256.Create(x2[1]).AsByte());
                a2 = ByteDot.AddTwo(a2, wa0, v0, wa1, v1);
                b2 = ByteDot.AddTwo(b2, wb0, v0, wb1, v1);
                (v0, v1) = (Vector256.Create(x2[stride]).AsByte(), Vector256.Create(x2[stride + 1]).AsByte());
                a3 = ByteDot.AddTwo(a3, wa0, v0, wa1, v1);
                b3 = ByteDot.AddTwo(b3, wb0, v0, wb1, v1);
                w += 128;
                x += 2;
                x2 += 2;
            }

            Vector256<float> sa = Vector256.Load((float*)w), sb = Vector256.Load((float*)w + 8);
            AddGroup(result + 0, a0, b0, sa, sb, rowGroups);
            AddGroup(result + 16, a1, b1, sa, sb, rowGroups + groupStride);
            AddGroup(result + 32, a2, b2, sa, sb, of2);
            AddGroup(result + 48, a3, b3, sa, sb, of2 + groupStride);
            w += Int8Layout.ScaleBytes;
            rowGroups++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EndGroup(
        float* result, Vector256<int> a, Vector256<int> b, Vector256<float> scalesA, Vector256<float> scalesB, RowGroup* row) =>
        AddGroup(result, ByteDot.End(a, row), ByteDot.End(b, row), scalesA, scalesB, row);

    /// <summary><c>result = fma(sums, scales, result)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGroup(
        float* result, Vector256<int> a, Vector256<int> b, Vector256<float> scalesA, Vector256<float> scalesB, RowGroup* row)
    {
        Vector256<float> ofRow = Vector256.Create(row->Scale);
        MultiplyAdd.Of(Vector256.ConvertToSingle(a), scalesA * ofRow, Vector256.Load(result)).Store(result);
        MultiplyAdd.Of(Vector256.ConvertToSingle(b), scalesB * ofRow, Vector256.Load(result + 8)).Store(result + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(at);
        }
    }
}
