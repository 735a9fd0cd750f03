using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How elements of one type in device memory become fp32 and back. A type parameter of kernels, so that each type gets its own code.
/// Integer arithmetic only: neither OpenCL without fp16 nor ILGPU has all of these conversions.
/// </summary>
/// <typeparam name="TStored">The unsigned integer or float that an element lies in memory as.</typeparam>
internal interface IStoredType<TStored>
    where TStored : unmanaged
{
    /// <summary>Widens an element; exact.</summary>
    static abstract float Load(TStored element);

    /// <summary>Eight elements from one on whose index is a multiple of eight, in loads of 16 bytes.</summary>
    static abstract Eight LoadEight(ArrayView<TStored> pool, long element);

    /// <summary>
    /// <c>Σ q[i] · row[i]</c>, i ascending, of a row that begins at a multiple of 16 bytes and is whole multiples of them, in loads of 16.
    /// </summary>
    static abstract float Dot(ArrayView<TStored> pool, long row, int length, ArrayView<float> q);

    /// <summary>Rounds to nearest, ties to even.</summary>
    static abstract TStored Store(float value);
}

/// <summary>fp32 as it is.</summary>
internal readonly struct StoredF32 : IStoredType<float>, IStoredFormat<float>
{
    public static int RowWords(int columns) => columns;

    public static float Load(ArrayView<float> weight, long row, int column, int columns) => weight[row + column];

    public static float Load(float element) => element;

    public static Eight LoadEight(ArrayView<float> pool, long element)
    {
        ArrayView<Floats4> fours = pool.Cast<Floats4>();
        Eight eight;
        eight.First = fours[element >> 2];
        eight.Second = fours[(element >> 2) + 1];
        return eight;
    }

    public static float Dot(ArrayView<float> pool, long row, int length, ArrayView<float> q)
    {
        ArrayView<Floats4> elements = pool.Cast<Floats4>();
        float sum = 0;
        for (int i = 0; i < length; i += 4)
        {
            Floats4 four = elements[(row + i) >> 2];
            sum += q[i] * four.X;
            sum += q[i + 1] * four.Y;
            sum += q[i + 2] * four.Z;
            sum += q[i + 3] * four.W;
        }

        return sum;
    }

    public static float Store(float value) => value;
}

/// <summary>bfloat16: the upper half of fp32.</summary>
internal readonly struct StoredBf16 : IStoredType<ushort>, IStoredFormat<ushort>
{
    public static int RowWords(int columns) => columns;

    public static float Load(ArrayView<ushort> weight, long row, int column, int columns) => Load(weight[row + column]);

    public static float Load(ushort element) => Interop.IntAsFloat((uint)element << 16);

    public static Eight LoadEight(ArrayView<ushort> pool, long element) => WideRows.LoadEight<StoredBf16>(pool, element);

    public static float Dot(ArrayView<ushort> pool, long row, int length, ArrayView<float> q) =>
        WideRows.Dot<StoredBf16>(pool, row, length, q);

    public static ushort Store(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        bool isNaN = (bits & 0x7FFFFFFFu) > 0x7F800000u;
        uint rounded = isNaN ? bits | 0x400000u : bits + 0x7FFFu + ((bits >> 16) & 1u);
        return (ushort)(rounded >> 16);
    }
}

/// <summary>IEEE half precision, with subnormals, infinities and NaN.</summary>
internal readonly struct StoredF16 : IStoredType<ushort>, IStoredFormat<ushort>
{
    public static int RowWords(int columns) => columns;

    public static float Load(ArrayView<ushort> weight, long row, int column, int columns) => Load(weight[row + column]);

    public static float Load(ushort element) => HalfNumbers.WidenHalfEmulated(element);

    public static Eight LoadEight(ArrayView<ushort> pool, long element) => WideRows.LoadEight<StoredF16>(pool, element);

    public static float Dot(ArrayView<ushort> pool, long row, int length, ArrayView<float> q) =>
        WideRows.Dot<StoredF16>(pool, row, length, q);

    public static ushort Store(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint sign = (bits >> 16) & 0x8000u;
        uint magnitude = bits & 0x7FFFFFFFu;
        uint half;
        if (magnitude >= 0x47800000u)
        {
            // 65536 and more, infinity, NaN.
            half = magnitude > 0x7F800000u ? 0x7E00u : 0x7C00u;
        }
        else if (magnitude < 0x38800000u)
        {
            // Below the smallest normal half: adding 0.5 leaves the multiple of 2⁻²⁴, rounded, in the lowest bits.
            half = Interop.FloatAsInt(Interop.IntAsFloat(magnitude) + 0.5f) - 0x3F000000u;
        }
        else
        {
            half = (magnitude - HalfNumbers.Rebias + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
        }

        return (ushort)(half | sign);
    }
}
