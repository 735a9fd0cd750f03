using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>How elements of one type in memory become fp32. A type parameter of kernels, so that each type gets its own code.</summary>
internal unsafe interface IElements
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Whether elements are integers that a scale of their row belongs to.</summary>
    static virtual bool HasScales => false;

    /// <summary>Whether elements are in the first cache, so that nobody asks for them or for what comes behind.</summary>
    static virtual bool IsNear => false;

    /// <summary>Widens 16 elements; any alignment.</summary>
    static abstract Vector512<float> Load16(byte* source);

    /// <summary>Widens 8 elements; any alignment.</summary>
    static abstract Vector256<float> Load8(byte* source);

    /// <summary>Widens 4 elements; any alignment.</summary>
    static abstract Vector128<float> Load4(byte* source);

    /// <summary>Widens one element.</summary>
    static abstract float Load(byte* source);

    /// <summary>Rounds numbers to nearest, ties to even, and writes them so many bytes apart.</summary>
    /// <returns>What the elements are to be multiplied by, where <see cref="HasScales"/>.</returns>
    static abstract float StoreRow(float* source, int count, byte* destination, nint step);
}

/// <summary>Elements that are numbers by themselves, without a scale.</summary>
internal unsafe interface IPlainElements : IElements
{
    /// <summary>Rounds a number to nearest, ties to even, and writes it.</summary>
    static abstract void Store(float value, byte* destination);
}

/// <summary>A row of plain elements.</summary>
internal static unsafe class PlainRow
{
    /// <summary>Writes numbers so many bytes apart.</summary>
    /// <returns>1, as no scale belongs to them.</returns>
    public static float Store<T>(float* source, int count, byte* destination, nint step)
        where T : struct, IPlainElements
    {
        for (int i = 0; i < count; i++)
        {
            T.Store(source[i], destination + (i * step));
        }

        return 1;
    }
}

/// <summary>fp32 as it is.</summary>
internal readonly unsafe struct F32Elements : IPlainElements
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(byte* source) => Vector512.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* source) => Vector256.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load4(byte* source) => Vector128.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => Unsafe.ReadUnaligned<float>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, byte* destination) => *(float*)destination = value;

    public static float StoreRow(float* source, int count, byte* destination, nint step) =>
        PlainRow.Store<F32Elements>(source, count, destination, step);
}

/// <summary>fp32 that has just been brought there from another type.</summary>
internal readonly unsafe struct WidenedElements : IElements
{
    public static int Size => F32Elements.Size;

    public static bool IsNear => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(byte* source) => F32Elements.Load16(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* source) => F32Elements.Load8(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load4(byte* source) => F32Elements.Load4(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => F32Elements.Load(source);

    public static float StoreRow(float* source, int count, byte* destination, nint step) =>
        F32Elements.StoreRow(source, count, destination, step);
}

/// <summary>bfloat16: the upper half of fp32.</summary>
internal readonly unsafe struct Bf16Elements : IPlainElements
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(byte* source) => (Widening.Load16(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* source) => (Widening.Load8(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load4(byte* source) => (Widening.Load4(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => BitConverter.UInt32BitsToSingle((uint)Unsafe.ReadUnaligned<ushort>(source) << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, byte* destination)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        *(ushort*)destination = (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : rounded);
    }

    public static float StoreRow(float* source, int count, byte* destination, nint step) =>
        PlainRow.Store<Bf16Elements>(source, count, destination, step);
}

/// <summary>IEEE half precision, with subnormals, infinities and NaN.</summary>
internal readonly unsafe struct F16Elements : IPlainElements
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(byte* source)
    {
        // Exponent and fraction moved into place, then the exponent's bias corrected: twice where exponent 31 means infinity or NaN, which
        // have 255 in fp32. Subnormals get a leading one, which is taken off again: nothing is subnormal in fp32, where processors stumble.
        Vector512<uint> half = Widening.Load16(source);
        Vector512<uint> magnitude = (half & Vector512.Create(0x7FFFu)) << 13;
        Vector512<uint> sign = (half & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> isSubnormal = Vector512.LessThan(magnitude.AsInt32(), Vector512.Create(1 << 23)).AsUInt32();
        Vector512<uint> isSpecial = Vector512.GreaterThanOrEqual(magnitude.AsInt32(), Vector512.Create(31 << 23)).AsUInt32();
        Vector512<uint> least = Vector512.Create(Widening.LeastNormalHalf);
        Vector512<uint> subnormal = ((magnitude | least).AsSingle() - least.AsSingle()).AsUInt32();
        Vector512<uint> normal = magnitude + Vector512.ConditionalSelect(
            isSpecial, Vector512.Create(2 * Widening.HalfToSingle), Vector512.Create(Widening.HalfToSingle));
        return (Vector512.ConditionalSelect(isSubnormal, subnormal, normal) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* source)
    {
        Vector256<uint> half = Widening.Load8(source);
        Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> sign = (half & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> isSubnormal = Vector256.LessThan(magnitude.AsInt32(), Vector256.Create(1 << 23)).AsUInt32();
        Vector256<uint> isSpecial = Vector256.GreaterThanOrEqual(magnitude.AsInt32(), Vector256.Create(31 << 23)).AsUInt32();
        Vector256<uint> least = Vector256.Create(Widening.LeastNormalHalf);
        Vector256<uint> subnormal = ((magnitude | least).AsSingle() - least.AsSingle()).AsUInt32();
        Vector256<uint> normal = magnitude + Vector256.ConditionalSelect(
            isSpecial, Vector256.Create(2 * Widening.HalfToSingle), Vector256.Create(Widening.HalfToSingle));
        return (Vector256.ConditionalSelect(isSubnormal, subnormal, normal) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load4(byte* source)
    {
        Vector128<uint> half = Widening.Load4(source);
        Vector128<uint> magnitude = (half & Vector128.Create(0x7FFFu)) << 13;
        Vector128<uint> sign = (half & Vector128.Create(0x8000u)) << 16;
        Vector128<uint> isSubnormal = Vector128.LessThan(magnitude.AsInt32(), Vector128.Create(1 << 23)).AsUInt32();
        Vector128<uint> isSpecial = Vector128.GreaterThanOrEqual(magnitude.AsInt32(), Vector128.Create(31 << 23)).AsUInt32();
        Vector128<uint> least = Vector128.Create(Widening.LeastNormalHalf);
        Vector128<uint> subnormal = ((magnitude | least).AsSingle() - least.AsSingle()).AsUInt32();
        Vector128<uint> normal = magnitude + Vector128.ConditionalSelect(
            isSpecial, Vector128.Create(2 * Widening.HalfToSingle), Vector128.Create(Widening.HalfToSingle));
        return (Vector128.ConditionalSelect(isSubnormal, subnormal, normal) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => (float)Unsafe.ReadUnaligned<Half>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, byte* destination) => *(Half*)destination = (Half)value;

    public static float StoreRow(float* source, int count, byte* destination, nint step) =>
        PlainRow.Store<F16Elements>(source, count, destination, step);
}

/// <summary>What the 16-bit types share.</summary>
internal static unsafe class Widening
{
    /// <summary>From half precision's exponent bias to fp32's, in the place of fp32's exponent.</summary>
    public const uint HalfToSingle = 112u << 23;

    /// <summary>The bits of 2⁻¹⁴ in fp32, which every normal half is at least.</summary>
    public const uint LeastNormalHalf = 113u << 23;

    /// <summary>16 16-bit words, each zero-extended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Load16(byte* source)
    {
        Vector256<ushort> words = Vector256.Load((ushort*)source);
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512UInt32(words);
        }

        (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(words);
        return Vector512.Create(lower, upper);
    }

    /// <summary>8 16-bit words, each zero-extended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Load8(byte* source)
    {
        Vector128<ushort> words = Vector128.Load((ushort*)source);
        if (Avx2.IsSupported)
        {
            return Avx2.ConvertToVector256Int32(words).AsUInt32();
        }

        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(words);
        return Vector256.Create(lower, upper);
    }

    /// <summary>4 16-bit words, each zero-extended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Load4(byte* source)
        => Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsUInt16());
}
