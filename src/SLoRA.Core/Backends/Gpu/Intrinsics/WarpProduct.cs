using ILGPU;
using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>
/// Products of a warp's tensor cores, <c>C += A Bᵀ</c> with A [16, 16] and B [8, 16] of bfloat16 and C [16, 8] of fp32, in the layout of
/// PTX's <c>mma.m16n8k16</c>. Lane l, with g = l / 4 and t = l mod 4, holds
/// <list type="bullet">
/// <item>of A: rows g and g + 8, columns 2t, 2t + 1 (X, Y), and the same at columns 2t + 8, 2t + 9 (Z, W);</item>
/// <item>of B: row g, columns 2t, 2t + 1 (X) and 2t + 8, 2t + 9 (Y);</item>
/// <item>of C: row g, columns 2t (X) and 2t + 1 (Y), and the same of row g + 8 (Z, W).</item>
/// </list>
/// All threads of the group call it together. On devices without such instructions each product is summed in fp32: the 16 products of an
/// element first, k ascending, and their sum is added to C.
/// </summary>
internal static class WarpProduct
{
    /// <summary>Two tiles of A with one of B: 32 rows of A times 8 of B.</summary>
    [IntrinsicImplementation]
    public static Sums32x8 Multiply(Sums32x8 c, Words4 upper, Words4 lower, Words2 b) => MultiplyEmulated(c, upper, lower, b);

    /// <summary>One tile of A with two of B: 16 rows of A times 16 of B.</summary>
    [IntrinsicImplementation]
    public static Sums16x16 Multiply(Sums16x16 c, Words4 a, Words2 left, Words2 right) => MultiplyEmulated(c, a, left, right);

    /// <summary>One tile of A after another, the terms of one matrix, with two of B.</summary>
    [IntrinsicImplementation]
    public static Sums16x16 MultiplyTerms(Sums16x16 c, Words4 first, Words4 second, Words4 third, Words2 left, Words2 right) =>
        MultiplyTermsEmulated(c, first, second, third, left, right);

    /// <summary>
    /// Eight rows of A, in three terms, with eight of B over 32 columns, of which a lane has 8t to 8t + 7 of each: two products, of X and Y
    /// and of Z and W, for each term. C is as of 16 rows of A, whose last eight are zero.
    /// </summary>
    /// <param name="c">The sums of each term.</param>
    /// <param name="first">Row g of the first term.</param>
    /// <param name="second">Of the second.</param>
    /// <param name="third">Of the third.</param>
    /// <param name="b">Row g of B.</param>
    /// <param name="none">Zero.</param>
    [IntrinsicImplementation]
    public static TermSums MultiplyRows(TermSums c, Words4 first, Words4 second, Words4 third, Words4 b, uint none) =>
        MultiplyRowsEmulated(c, first, second, third, b, none);

    /// <summary>The same through shared memory.</summary>
    public static Sums32x8 MultiplyEmulated(Sums32x8 c, Words4 upper, Words4 lower, Words2 b)
    {
        ArrayView<Words4> left = SharedMemory.Allocate<Words4>(2 * EmulatedWarp.Threads);
        ArrayView<Words2> right = SharedMemory.Allocate<Words2>(EmulatedWarp.Threads);
        int thread = Group.IdxX;
        left[thread] = upper;
        left[thread + EmulatedWarp.Threads] = lower;
        right[thread] = b;
        Group.Barrier();
        c = EmulatedWarp.Add(c, left, right, thread);
        Group.Barrier();
        return c;
    }

    /// <summary>The same through shared memory.</summary>
    public static Sums16x16 MultiplyEmulated(Sums16x16 c, Words4 a, Words2 left, Words2 right)
    {
        ArrayView<Words4> rows = SharedMemory.Allocate<Words4>(EmulatedWarp.Threads);
        ArrayView<Words2> columns = SharedMemory.Allocate<Words2>(2 * EmulatedWarp.Threads);
        int thread = Group.IdxX;
        rows[thread] = a;
        columns[thread] = left;
        columns[thread + EmulatedWarp.Threads] = right;
        Group.Barrier();
        c.Left = EmulatedWarp.Add(c.Left, rows, columns, thread);
        c.Right = EmulatedWarp.Add(c.Right, rows, columns.SubView(EmulatedWarp.Threads), thread);
        Group.Barrier();
        return c;
    }

    /// <summary>The same through shared memory.</summary>
    public static TermSums MultiplyRowsEmulated(TermSums c, Words4 first, Words4 second, Words4 third, Words4 b, uint none)
    {
        _ = none;
        ArrayView<Words4> left = SharedMemory.Allocate<Words4>(3 * EmulatedWarp.Threads);
        ArrayView<Words4> right = SharedMemory.Allocate<Words4>(EmulatedWarp.Threads);
        int thread = Group.IdxX;
        left[thread] = first;
        left[thread + EmulatedWarp.Threads] = second;
        left[thread + (2 * EmulatedWarp.Threads)] = third;
        right[thread] = b;
        Group.Barrier();
        c.First = EmulatedWarp.AddRun(c.First, left, right, thread);
        c.Second = EmulatedWarp.AddRun(c.Second, left.SubView(EmulatedWarp.Threads), right, thread);
        c.Third = EmulatedWarp.AddRun(c.Third, left.SubView(2 * EmulatedWarp.Threads), right, thread);
        Group.Barrier();
        return c;
    }

    /// <summary>The same through shared memory.</summary>
    public static Sums16x16 MultiplyTermsEmulated(Sums16x16 c, Words4 first, Words4 second, Words4 third, Words2 left, Words2 right)
    {
        ArrayView<Words4> rows = SharedMemory.Allocate<Words4>(3 * EmulatedWarp.Threads);
        ArrayView<Words2> columns = SharedMemory.Allocate<Words2>(2 * EmulatedWarp.Threads);
        int thread = Group.IdxX;
        rows[thread] = first;
        rows[thread + EmulatedWarp.Threads] = second;
        rows[thread + (2 * EmulatedWarp.Threads)] = third;
        columns[thread] = left;
        columns[thread + EmulatedWarp.Threads] = right;
        Group.Barrier();
        for (int term = 0; term < 3; term++)
        {
            ArrayView<Words4> ofTerm = rows.SubView(term * EmulatedWarp.Threads);
            c.Left = EmulatedWarp.Add(c.Left, ofTerm, columns, thread);
            c.Right = EmulatedWarp.Add(c.Right, ofTerm, columns.SubView(EmulatedWarp.Threads), thread);
        }

        Group.Barrier();
        return c;
    }
}
