using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// How a panel holds its weights: 16 outputs side by side, two inputs k, k + 1 at a time. A type parameter of the product kernels.
/// </summary>
internal unsafe interface IPanelWeights
{
    /// <summary>Bytes of one pair of inputs for 16 outputs.</summary>
    static abstract int PairBytes { get; }

    /// <summary>
    /// Whether many rows pay for bringing panels to fp32 once, before they are multiplied, and not for each block of rows.
    /// </summary>
    static abstract bool IsSlowToWiden { get; }

    /// <summary>The weights of input k and of input k + 1 for 16 outputs, as fp32.</summary>
    static abstract void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd);

    /// <summary>The same for outputs 8 half … 8 half + 7.</summary>
    static abstract void Load(byte* pair, int half, out Vector256<float> even, out Vector256<float> odd);

    /// <summary>
    /// The weights of input k alone, for outputs 8 half … 8 half + 7. Where sums fill the registers, loading a pair twice is cheaper than
    /// keeping both. It may read the <see cref="AlignedMemory.Lead"/> of the memory that the panel begins.
    /// </summary>
    static abstract Vector256<float> LoadEven(byte* pair, int half);

    /// <summary>The weights of input k + 1 alone.</summary>
    static abstract Vector256<float> LoadOdd(byte* pair, int half);

    /// <summary>The weights of both inputs for outputs 4 quarter … 4 quarter + 3.</summary>
    static abstract void Load(byte* pair, int quarter, out Vector128<float> even, out Vector128<float> odd);
}

/// <summary>
/// bfloat16: 16 words of 32 bits, input k in the lower half of the word, input k + 1 in the upper: a shift and a mask widen both.
/// </summary>
internal readonly unsafe struct Bf16Panel : IPanelWeights
{
    private const uint Upper = 0xFFFF_0000;

    public static int PairBytes => 64;

    public static bool IsSlowToWiden => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd)
    {
        Vector512<uint> words = Vector512.Load((uint*)pair);
        even = (words << 16).AsSingle();
        odd = (words & Vector512.Create(Upper)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, int half, out Vector256<float> even, out Vector256<float> odd)
    {
        Vector256<uint> words = Vector256.Load((uint*)pair + (8 * half));
        even = (words << 16).AsSingle();
        odd = (words & Vector256.Create(Upper)).AsSingle();
    }

    // On x64 both are one instruction, which puts zeros in the place of the lower halves: of the words as they lie, and of what begins two
    // bytes before them. Unlike shifts it takes none of the ports that multiply and add, and unlike a mask no register.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadEven(byte* pair, int half) => Avx2.IsSupported
        ? UpperHalves(pair + (32 * half) - 2)
        : (Vector256.Load((uint*)pair + (8 * half)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadOdd(byte* pair, int half) => Avx2.IsSupported
        ? UpperHalves(pair + (32 * half))
        : ((Vector256.Load((uint*)pair + (8 * half)) >>> 16) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> UpperHalves(byte* words) =>
        Avx2.Blend(Vector256<ushort>.Zero, Vector256.Load((ushort*)words), 0b1010_1010).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, int quarter, out Vector128<float> even, out Vector128<float> odd)
    {
        Vector128<uint> words = Vector128.Load((uint*)pair + (4 * quarter));
        even = (words << 16).AsSingle();
        odd = (words & Vector128.Create(Upper)).AsSingle();
    }
}

/// <summary>
/// Half precision, laid out like bfloat16, with an exponent bias of 25 in place of 15: then everything below 128 has an exponent, what is
/// subnormal in half precision too, and only zero has exponent 0. Sign, exponent and fraction move into place by shifts that keep the sign,
/// and one exact multiplication corrects the bias, of numbers that are normal in fp32 as well: processors stumble over others. A matrix
/// with larger weights, infinities or NaN is packed as fp32.
/// </summary>
internal readonly unsafe struct F16Panel : IPanelWeights
{
    /// <summary>What is added to the exponent of a half.</summary>
    public const int ExponentShift = 10;

    private const int Kept = unchecked((int)0x8FFF_E000);

    // 2¹⁰²: from an exponent bias of 25 to that of fp32.
    private const float Bias = 5070602400912917605986812821504f;

    public static int PairBytes => 64;

    public static bool IsSlowToWiden => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd)
    {
        Vector512<int> words = Vector512.Load((int*)pair);
        Vector512<int> kept = Vector512.Create(Kept);
        Vector512<float> bias = Vector512.Create(Bias);
        even = (((words << 16) >> 3) & kept).AsSingle() * bias;
        odd = ((words >> 3) & kept).AsSingle() * bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, int half, out Vector256<float> even, out Vector256<float> odd)
    {
        Vector256<int> words = Vector256.Load((int*)pair + (8 * half));
        Vector256<int> kept = Vector256.Create(Kept);
        Vector256<float> bias = Vector256.Create(Bias);
        even = (((words << 16) >> 3) & kept).AsSingle() * bias;
        odd = ((words >> 3) & kept).AsSingle() * bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadEven(byte* pair, int half)
        => (((Vector256.Load((int*)pair + (8 * half)) << 16) >> 3) & Vector256.Create(Kept)).AsSingle()
            * Vector256.Create(Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadOdd(byte* pair, int half)
        => ((Vector256.Load((int*)pair + (8 * half)) >> 3) & Vector256.Create(Kept)).AsSingle() * Vector256.Create(Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, int quarter, out Vector128<float> even, out Vector128<float> odd)
    {
        Vector128<int> words = Vector128.Load((int*)pair + (4 * quarter));
        Vector128<int> kept = Vector128.Create(Kept);
        Vector128<float> bias = Vector128.Create(Bias);
        even = (((words << 16) >> 3) & kept).AsSingle() * bias;
        odd = ((words >> 3) & kept).AsSingle() * bias;
    }
}

/// <summary>fp32: the 16 weights of input k, then those of input k + 1.</summary>
internal readonly unsafe struct F32Panel : IPanelWeights
{
    public static int PairBytes => 128;

    public static bool IsSlowToWiden => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd)
    {
        even = Vector512.Load((float*)pair);
        odd = Vector512.Load((float*)pair + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, int half, out Vector256<float> even, out Vector256<float> odd)
    {
        even = Vector256.Load((float*)pair + (8 * half));
        odd = Vector256.Load((float*)pair + 16 + (8 * half));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadEven(byte* pair, int half) => Vector256.Load((float*)pair + (8 * half));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadOdd(byte* pair, int half) => Vector256.Load((float*)pair + 16 + (8 * half));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* pair, int quarter, out Vector128<float> even, out Vector128<float> odd)
    {
        even = Vector128.Load((float*)pair + (4 * quarter));
        odd = Vector128.Load((float*)pair + 16 + (4 * quarter));
    }
}
