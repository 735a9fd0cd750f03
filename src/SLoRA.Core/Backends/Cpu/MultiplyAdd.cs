using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>a b + c</c>, the one step of every sum of the backend: rounded once where the machine has an instruction for that, else multiplied,
/// then added. Which of both is the same for a whole process, so a row's bits still depend on that row alone.
/// </summary>
internal static class MultiplyAdd
{
    /// <summary>Whether it is rounded once. A constant to the compiler.</summary>
    /// <remarks>
    /// On x64 the instruction comes with AVX2, so vectors of 256 bits stand for both. <c>Fma.IsSupported</c> would not do: ahead of time it
    /// can be a look-up at run time, while the vector operations of the same program have been compiled into a call per lane.
    /// </remarks>
    public static bool IsFused
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.IsHardwareAccelerated || AdvSimd.IsSupported;
    }

    /// <summary>One number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(float a, float b, float c) => IsFused ? MathF.FusedMultiplyAdd(a, b, c) : (a * b) + c;

    /// <summary>4 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Of(Vector128<float> a, Vector128<float> b, Vector128<float> c)
        => IsFused ? Vector128.FusedMultiplyAdd(a, b, c) : (a * b) + c;

    /// <summary>8 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c)
        => IsFused ? Vector256.FusedMultiplyAdd(a, b, c) : (a * b) + c;

    /// <summary>16 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> a, Vector512<float> b, Vector512<float> c)
        => IsFused ? Vector512.FusedMultiplyAdd(a, b, c) : (a * b) + c;
}
