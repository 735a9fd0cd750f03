using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The step of products of bytes: an unsigned byte times a signed one, four products added to a sum of 32 bits in one instruction, where
/// the processor has one that .NET exposes (AVX-VNNI).
/// </summary>
internal static class ByteDot
{
    /// <summary>Whether there is such an instruction. Ahead of time the question would be asked anew for every product.</summary>
    public static bool IsSupported
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AvxVnni.IsSupported && RuntimeFeature.IsDynamicCodeCompiled;
    }

    /// <summary>Adds the products of four neighbours each, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<byte> unsigned, Vector256<byte> signed) =>
        AvxVnni.MultiplyWideningAndAdd(sums, unsigned, signed.AsSByte());
}
