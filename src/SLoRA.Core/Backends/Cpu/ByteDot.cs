using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The step of products of bytes: an unsigned byte times a signed one, four products added to a sum of 32 bits in one instruction, where
/// the processor has one that .NET exposes (AVX-VNNI). Where it has not, codes of four bits times activations of 8 bits are small enough
/// for the pairs of a whole group to be added in 16 bits (AVX2): 8 · 2 · 15 · 127 &lt; 2¹⁵. All sums are exact.
/// </summary>
internal static class ByteDot
{
    /// <summary>Whether there is an instruction for any bytes. Ahead of time the question would be asked anew for every product.</summary>
    public static bool IsSupported
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AvxVnni.IsSupported && RuntimeFeature.IsDynamicCodeCompiled;
    }

    /// <summary>Whether sums of a group can be taken, of unsigned bytes up to some number and signed ones of 8 bits.</summary>
    /// <typeparam name="T">The groups.</typeparam>
    /// <param name="largest">The largest unsigned byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Adds<T>(int largest)
        where T : struct, IInt8Groups
        => IsSupported || (Avx2.IsSupported && T.Pairs * largest * Int8Layout.NarrowLimit <= short.MaxValue);

    /// <summary>The sums of a group before its first product.</summary>
    /// <param name="start">Where they begin.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(int start) => IsSupported ? Vector256.Create(start) : default;

    /// <summary>Adds the products of four neighbours each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<byte> unsigned, Vector256<byte> signed) => IsSupported
        ? AvxVnni.MultiplyWideningAndAdd(sums, unsigned, signed.AsSByte())
        : (sums.AsInt16() + Avx2.MultiplyAddAdjacent(unsigned, signed.AsSByte())).AsInt32();

    /// <summary>The sums of a group behind its last product, in 32 bits.</summary>
    /// <param name="sums">What has been added up.</param>
    /// <param name="start">What they began with.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> End(Vector256<int> sums, int start) => IsSupported
        ? sums
        : Avx2.MultiplyAddAdjacent(sums.AsInt16(), Vector256<short>.One) + Vector256.Create(start);
}
