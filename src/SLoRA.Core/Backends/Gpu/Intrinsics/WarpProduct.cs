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

    /// <summary>Two tiles of A with four of B: 32 rows of A times 32 of B.</summary>
    [IntrinsicImplementation]
    public static Sums32x32 Multiply(Sums32x32 c, Words4 upper, Words4 lower, Words2 b0, Words2 b1, Words2 b2, Words2 b3) =>
        MultiplyEmulated(c, upper, lower, b0, b1, b2, b3);

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
    public static Sums32x32 MultiplyEmulated(Sums32x32 c, Words4 upper, Words4 lower, Words2 b0, Words2 b1, Words2 b2, Words2 b3)
    {
        ArrayView<Words4> left = SharedMemory.Allocate<Words4>(2 * EmulatedWarp.Threads);
        ArrayView<Words2> right = SharedMemory.Allocate<Words2>(4 * EmulatedWarp.Threads);
        int thread = Group.IdxX;
        left[thread] = upper;
        left[thread + EmulatedWarp.Threads] = lower;
        right[thread] = b0;
        right[thread + EmulatedWarp.Threads] = b1;
        right[thread + (2 * EmulatedWarp.Threads)] = b2;
        right[thread + (3 * EmulatedWarp.Threads)] = b3;
        Group.Barrier();
        c.Rows0 = EmulatedWarp.Add(c.Rows0, left, right, thread);
        c.Rows8 = EmulatedWarp.Add(c.Rows8, left, right.SubView(EmulatedWarp.Threads), thread);
        c.Rows16 = EmulatedWarp.Add(c.Rows16, left, right.SubView(2 * EmulatedWarp.Threads), thread);
        c.Rows24 = EmulatedWarp.Add(c.Rows24, left, right.SubView(3 * EmulatedWarp.Threads), thread);
        Group.Barrier();
        return c;
    }
}
