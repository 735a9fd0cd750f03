using ILGPU.IR.Intrinsics;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>16-bit numbers in words: one instruction on NVIDIA's devices, integer arithmetic elsewhere.</summary>
internal static class PackedNumbers
{
    /// <summary>The half-precision number in the lower half of a word, as fp32; exact.</summary>
    [IntrinsicImplementation]
    public static float WidenHalf(uint word) => WidenHalfEmulated(word);

    /// <summary>The same by integer arithmetic.</summary>
    public static float WidenHalfEmulated(uint word) => StoredF16.Load((ushort)(word & 0xFFFFu));
}
