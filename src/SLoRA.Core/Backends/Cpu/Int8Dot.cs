using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The steps of the int8 product at each vector width: <c>sum[j] += w[k][j] x[k] + w[k + 1][j] x[k + 1]</c> in 32 bits, exact. Weights are
/// widened to 16 bits and meet activations of 16 bits, which is as many products per instruction as 8 times 8 bits give where the processor
/// has no instruction that adds four of them.
/// </summary>
internal static unsafe class Int8Dot
{
    /// <summary>The weights of a pair of inputs for 16 outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Load512(byte* pair) => Avx512BW.IsSupported
        ? Avx512BW.ConvertToVector512Int16(Vector256.Load((sbyte*)pair))
        : Vector512.Create(Load256(pair, 0), Load256(pair, 1));

    /// <summary>The same for outputs 8 half … 8 half + 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Load256(byte* pair, int half) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int16(Vector128.Load((sbyte*)pair + (16 * half)))
        : Vector256.Create(Load128(pair, 2 * half), Load128(pair, (2 * half) + 1));

    /// <summary>The same for outputs 4 quarter … 4 quarter + 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> Load128(byte* pair, int quarter)
        => Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(pair + (8 * quarter))).AsSByte());

    /// <summary>
    /// The sums of products of pairs, for 16 outputs. Apart from the addition: kernels multiply for all panels of a row before they add,
    /// which leaves the multipliers less often without work.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(Vector512<short> weights, Vector512<short> x) => Avx512BW.IsSupported
        ? Avx512BW.MultiplyAddAdjacent(weights, x)
        : Vector512.Create(Add(default, weights.GetLower(), x.GetLower()), Add(default, weights.GetUpper(), x.GetUpper()));

    /// <summary>Adds the products of pairs: 8 outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<short> weights, Vector256<short> x)
    {
        // Ahead of time the question would be asked anew for every product.
        if (AvxVnni.IsSupported && RuntimeFeature.IsDynamicCodeCompiled)
        {
            return AvxVnni.MultiplyWideningAndAdd(sums, weights, x);
        }

        return Avx2.IsSupported
            ? sums + Avx2.MultiplyAddAdjacent(weights, x)
            : Vector256.Create(
                Add(sums.GetLower(), weights.GetLower(), x.GetLower()), Add(sums.GetUpper(), weights.GetUpper(), x.GetUpper()));
    }

    /// <summary>Adds the products of pairs: 4 outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> sums, Vector128<short> weights, Vector128<short> x)
    {
        if (Sse2.IsSupported)
        {
            return sums + Sse2.MultiplyAddAdjacent(weights, x);
        }

        // Pairs as 32-bit words: the lower half is the even input, the upper half the odd one.
        Vector128<int> w = weights.AsInt32();
        Vector128<int> v = x.AsInt32();
        return sums + (((w << 16) >> 16) * ((v << 16) >> 16)) + ((w >> 16) * (v >> 16));
    }
}
