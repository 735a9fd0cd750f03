using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>How elements of one type in memory become fp32. A type parameter of kernels, so that each type gets its own code.</summary>
internal unsafe interface IElements
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Widens 16 elements; any alignment.</summary>
    static abstract Vector512<float> Load16(byte* source);

    /// <summary>Widens 8 elements; any alignment.</summary>
    static abstract Vector256<float> Load8(byte* source);

    /// <summary>Widens 4 elements; any alignment.</summary>
    static abstract Vector128<float> Load4(byte* source);

    /// <summary>Widens one element.</summary>
    static abstract float Load(byte* source);

    /// <summary>Rounds one element to nearest, ties to even.</summary>
    static abstract void Store(float value, byte* destination);
}

/// <summary>fp32 as it is.</summary>
internal readonly unsafe struct F32Elements : IElements
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
}

/// <summary>bfloat16: the upper half of fp32.</summary>
internal readonly unsafe struct Bf16Elements : IElements
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
}

/// <summary>IEEE half precision, with subnormals, infinities and NaN.</summary>
internal readonly unsafe struct F16Elements : IElements
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(byte* source)
    {
        // Exponent and fraction moved into place, then the exponent's bias corrected by an exact multiplication; exponent 31 means
        // infinity or NaN and takes the largest exponent instead.
        Vector512<uint> half = Widening.Load16(source);
        Vector512<uint> magnitude = (half & Vector512.Create(0x7FFFu)) << 13;
        Vector512<uint> sign = (half & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> finite = (magnitude.AsSingle() * Vector512.Create(Widening.HalfToSingle)).AsUInt32();
        Vector512<uint> special = magnitude | Vector512.Create(0x7F80_0000u);
        Vector512<uint> isSpecial = Vector512.GreaterThanOrEqual(magnitude.AsInt32(), Vector512.Create(31 << 23)).AsUInt32();
        return (Vector512.ConditionalSelect(isSpecial, special, finite) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* source)
    {
        Vector256<uint> half = Widening.Load8(source);
        Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> sign = (half & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> finite = (magnitude.AsSingle() * Vector256.Create(Widening.HalfToSingle)).AsUInt32();
        Vector256<uint> special = magnitude | Vector256.Create(0x7F80_0000u);
        Vector256<uint> isSpecial = Vector256.GreaterThanOrEqual(magnitude.AsInt32(), Vector256.Create(31 << 23)).AsUInt32();
        return (Vector256.ConditionalSelect(isSpecial, special, finite) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load4(byte* source)
    {
        Vector128<uint> half = Widening.Load4(source);
        Vector128<uint> magnitude = (half & Vector128.Create(0x7FFFu)) << 13;
        Vector128<uint> sign = (half & Vector128.Create(0x8000u)) << 16;
        Vector128<uint> finite = (magnitude.AsSingle() * Vector128.Create(Widening.HalfToSingle)).AsUInt32();
        Vector128<uint> special = magnitude | Vector128.Create(0x7F80_0000u);
        Vector128<uint> isSpecial = Vector128.GreaterThanOrEqual(magnitude.AsInt32(), Vector128.Create(31 << 23)).AsUInt32();
        return (Vector128.ConditionalSelect(isSpecial, special, finite) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => (float)Unsafe.ReadUnaligned<Half>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, byte* destination) => *(Half*)destination = (Half)value;
}

/// <summary>What the 16-bit types share.</summary>
internal static unsafe class Widening
{
    /// <summary>2¹¹²: from half precision's exponent bias to fp32's.</summary>
    public const float HalfToSingle = 5192296858534827628530496329220096f;

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
