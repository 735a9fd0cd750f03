using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>Sixteen small numbers to fp32, the same bits at every vector width.</summary>
internal static unsafe class PackedNumbers
{
    /// <summary>Sixteen elements, widened.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen<T>(byte* source, float* numbers)
        where T : struct, IElements
    {
        if (Vector512.IsHardwareAccelerated)
        {
            T.Load16(source).Store(numbers);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            T.Load8(source).Store(numbers);
            T.Load8(source + (8 * T.Size)).Store(numbers + 8);
        }
        else
        {
            for (int i = 0; i < Lanes.Count; i += Vector128<float>.Count)
            {
                T.Load4(source + (i * T.Size)).Store(numbers + i);
            }
        }
    }

    /// <summary>Sixteen numbers times bytes, and times one more number.</summary>
    /// <typeparam name="T">The bytes.</typeparam>
    /// <param name="numbers">The numbers.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="factor">What products are multiplied by, a constant.</param>
    /// <param name="products">Where the products go.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Times<T>(float* numbers, byte* bytes, float factor, float* products)
        where T : struct, IFactorBytes
    {
        if (Avx512F.IsSupported)
        {
            Vector512<float> product = Vector512.Load(numbers) * Vector512.ConvertToSingle(T.Load16(bytes));
            (factor == 1 ? product : product * Vector512.Create(factor)).Store(products);
        }
        else if (Avx2.IsSupported)
        {
            for (int i = 0; i < Lanes.Count; i += Vector256<float>.Count)
            {
                Vector256<float> product = Vector256.Load(numbers + i) * Vector256.ConvertToSingle(T.Load8(bytes + i));
                (factor == 1 ? product : product * Vector256.Create(factor)).Store(products + i);
            }
        }
        else
        {
            for (int i = 0; i < Lanes.Count; i += Vector128<float>.Count)
            {
                Vector128<float> product = Vector128.Load(numbers + i) * Vector128.ConvertToSingle(T.Load4(bytes + i));
                (factor == 1 ? product : product * Vector128.Create(factor)).Store(products + i);
            }
        }
    }
}

/// <summary>How bytes that scales are multiplied by become integers. A type parameter.</summary>
internal unsafe interface IFactorBytes
{
    /// <summary>Sixteen, by AVX-512.</summary>
    static abstract Vector512<int> Load16(byte* bytes);

    /// <summary>Eight, by AVX2.</summary>
    static abstract Vector256<int> Load8(byte* bytes);

    /// <summary>Four.</summary>
    static abstract Vector128<int> Load4(byte* bytes);
}

/// <summary>Bytes without a sign.</summary>
internal readonly unsafe struct UnsignedFactors : IFactorBytes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load16(byte* bytes) => Avx512F.ConvertToVector512Int32(Vector128.Load(bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load8(byte* bytes) => Avx2.ConvertToVector256Int32(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load4(byte* bytes) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(bytes)).AsByte())).AsInt32();
}

/// <summary>Bytes with a sign.</summary>
internal readonly unsafe struct SignedFactors : IFactorBytes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load16(byte* bytes) => Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load8(byte* bytes) => Avx2.ConvertToVector256Int32((sbyte*)bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load4(byte* bytes) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(bytes)).AsSByte()));
}
