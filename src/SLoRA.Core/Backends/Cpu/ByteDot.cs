using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The step of products of bytes: an unsigned byte times a signed one, four products added to a sum of 32 bits in one instruction, where
/// the processor has one that .NET exposes (AVX-VNNI). Where it has not, AVX2 adds two products to a sum of 16 bits: for codes of four bits
/// times activations of 8 bits those of a whole group stay inside, 8 · 2 · 15 · 127 &lt; 2¹⁵, and for codes of up to six bits those of two
/// quads, 2 · 2 · 63 · 127 &lt; 2¹⁵. All sums are exact.
/// </summary>
internal static class ByteDot
{
    /// <summary>Whether there is an instruction for any bytes. Ahead of time the question would be asked anew for every product.</summary>
    public static bool IsSupported
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AvxVnni.IsSupported && RuntimeFeature.IsDynamicCodeCompiled;
    }

    /// <summary>Whether <see cref="Add"/> may take a whole group, of unsigned bytes up to some number and signed ones of 8 bits.</summary>
    /// <typeparam name="T">The groups.</typeparam>
    /// <param name="largest">The largest unsigned byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AddsGroups<T>(int largest)
        where T : struct, IInt8Groups
        => IsSupported || (Avx2.IsSupported && T.Pairs * largest * Int8Layout.NarrowLimit <= short.MaxValue);

    /// <summary>Whether <see cref="AddTwo"/> may take such bytes.</summary>
    /// <param name="largest">The largest unsigned byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AddsTwo(int largest) => Avx2.IsSupported && 4 * largest * Int8Layout.NarrowLimit <= short.MaxValue;

    /// <summary>The sums of a group before its first product.</summary>
    /// <param name="row">Where they begin. Loaded where it is spread, so that both are one instruction.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<int> Begin(RowGroup* row) => IsSupported ? Vector256.Create(row->Start) : default;

    /// <summary>Adds the products of four neighbours each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<byte> unsigned, Vector256<byte> signed) => IsSupported
        ? AvxVnni.MultiplyWideningAndAdd(sums, unsigned, signed.AsSByte())
        : (sums.AsInt16() + Avx2.MultiplyAddAdjacent(unsigned, signed.AsSByte())).AsInt32();

    /// <summary>The sums of a group behind its last product, in 32 bits.</summary>
    /// <param name="sums">What has been added up.</param>
    /// <param name="row">What <see cref="Begin"/> was given.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<int> End(Vector256<int> sums, RowGroup* row) => IsSupported
        ? sums
        : Avx2.MultiplyAddAdjacent(sums.AsInt16(), Vector256<short>.One) + Vector256.Create(row->Start);

    /// <summary>Adds the products of two quads to sums of 32 bits, without an instruction for them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddTwo(
        Vector256<int> sums, Vector256<byte> unsigned0, Vector256<byte> signed0, Vector256<byte> unsigned1, Vector256<byte> signed1)
    {
        Vector256<short> both = Avx2.MultiplyAddAdjacent(unsigned0, signed0.AsSByte())
            + Avx2.MultiplyAddAdjacent(unsigned1, signed1.AsSByte());
        return sums + Avx2.MultiplyAddAdjacent(both, Vector256<short>.One);
    }
}
