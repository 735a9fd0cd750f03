using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>Tiles in shared memory that are filled from device memory while the group computes (<c>cp.async</c>).</summary>
internal static class SharedTiles
{
    /// <summary>
    /// Begins to copy 16 bytes of device memory to shared memory. They are there for this thread behind the <see cref="Await"/> of their
    /// batch, and for others behind a barrier after that.
    /// </summary>
    [IntrinsicImplementation]
    public static void Copy(ref Words4 shared, ref Words4 global) => CopyEmulated(ref shared, ref global);

    /// <summary>Closes a batch of the thread's copies, which may have none.</summary>
    [IntrinsicImplementation]
    public static void CloseBatch() => CloseBatchEmulated();

    /// <summary>Waits until at most so many batches, a constant, are under way.</summary>
    [IntrinsicImplementation]
    public static void Await(int batches) => AwaitEmulated(batches);

    /// <summary>The same, at once.</summary>
    public static void CopyEmulated(ref Words4 shared, ref Words4 global) => shared = global;

    /// <summary>Nothing: every copy has been made.</summary>
    public static void CloseBatchEmulated()
    {
    }

    /// <summary>Nothing: every copy has been made.</summary>
    public static void AwaitEmulated(int batches)
    {
    }
}
