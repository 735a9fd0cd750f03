using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Signed 8-bit integers of a quantized cache; whoever reads them multiplies by their scale, here or behind a sum. A row of numbers becomes
/// integers by scale = max |x| / 127, integer = round(x · (127 / max |x|)), ties to even: the same bits at every vector width.
/// </summary>
internal readonly unsafe struct I8Elements : IElements
{
    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    private const float Shifter = 12582912f;

    private const int Magnitude = 0x7FFF_FFFF;
    private const int Infinity = 0x7F80_0000;

    public static int Size => 1;

    public static bool HasScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(byte* source)
    {
        Vector128<sbyte> bytes = Vector128.Load((sbyte*)source);
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(bytes));
        }

        (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(bytes);
        return Vector512.ConvertToSingle(Vector512.Create(
            Vector256.Create(Vector128.WidenLower(lower), Vector128.WidenUpper(lower)),
            Vector256.Create(Vector128.WidenLower(upper), Vector128.WidenUpper(upper))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* source)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsSByte();
        if (Avx2.IsSupported)
        {
            return Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(bytes));
        }

        Vector128<short> words = Vector128.WidenLower(bytes);
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load4(byte* source)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(source)).AsSByte();
        return Vector128.ConvertToSingle(
            Sse41.IsSupported ? Sse41.ConvertToVector128Int32(bytes) : Vector128.WidenLower(Vector128.WidenLower(bytes)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* source) => *(sbyte*)source;

    /// <summary>The scale is 0 for zeros, NaN when a number is not finite, so that whatever is multiplied by it is NaN.</summary>
    /// <inheritdoc/>
    public static float StoreRow(float* source, int count, byte* destination, nint step)
    {
        float largest = BitConverter.Int32BitsToSingle(Largest(source, count));
        bool isFinite = float.IsFinite(largest);
        float inverse = isFinite && largest >= Int8Layout.Smallest ? Int8Layout.WeightLimit / largest : 0;
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            Vector128<sbyte> integers = Round(isFinite ? Vector512.Load(source + i) : default, inverse);
            if (step == 1)
            {
                integers.Store((sbyte*)destination + i);
                continue;
            }

            byte* at = destination + (i * step);
            for (int lane = 0; lane < Lanes.Count; lane++, at += step)
            {
                *at = (byte)integers[lane];
            }
        }

        for (; i < count; i++)
        {
            float shifted = ((isFinite ? source[i] : 0) * inverse) + Shifter;
            destination[i * step] = (byte)(BitConverter.SingleToInt32Bits(shifted) - BitConverter.SingleToInt32Bits(Shifter));
        }

        return !isFinite ? float.NaN : inverse == 0 ? 0 : largest / Int8Layout.WeightLimit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Round(Vector512<float> x, float inverse)
    {
        Vector512<float> shifter = Vector512.Create(Shifter);
        Vector512<int> integers = ((x * Vector512.Create(inverse)) + shifter).AsInt32() - shifter.AsInt32();
        Vector256<short> words = Vector256.Narrow(integers.GetLower(), integers.GetUpper());
        return Vector128.Narrow(words.GetLower(), words.GetUpper());
    }

    /// <summary>The bits of the largest magnitude: they have the order of magnitudes, and NaN comes last.</summary>
    private static int Largest(float* source, int count)
    {
        Vector512<int> lanes = default;
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            lanes = Vector512.Max(lanes, Vector512.Load(source + i).AsInt32() & Vector512.Create(Magnitude));
        }

        Vector256<int> eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        Vector128<int> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        int largest = Math.Max(Math.Max(four[0], four[1]), Math.Max(four[2], four[3]));
        for (; i < count; i++)
        {
            largest = Math.Max(largest, BitConverter.SingleToInt32Bits(source[i]) & Magnitude);
        }

        return largest;
    }
}
