using System.Numerics;
using System.Runtime.InteropServices;

namespace SLoRA.Formats;

/// <summary>
/// Looks for NaN and infinity. Without the sign the bits of floating-point numbers are ordered like their magnitudes, with infinity and the
/// NaNs above all others: the largest bits of a tensor say whether it has one, and how large its values are if it has not.
/// </summary>
internal static class WeightScan
{
    /// <summary>The largest bits without sign of the elements; 0 for no elements.</summary>
    public static uint LargestBits(TensorType type, ReadOnlySpan<byte> elements) => type switch
    {
        TensorType.F32 => Largest<uint>(MemoryMarshal.Cast<byte, uint>(elements), 0x7FFF_FFFF),
        TensorType.F16 or TensorType.BF16 => Largest<ushort>(MemoryMarshal.Cast<byte, ushort>(elements), 0x7FFF),
        _ => throw UnservedType.Error(type),
    };

    /// <summary>Whether elements of these bits are infinite or NaN.</summary>
    public static bool IsNotFinite(TensorType type, uint bits) => bits >= type switch
    {
        TensorType.F32 => 0x7F80_0000u,
        TensorType.F16 => 0x7C00u,
        TensorType.BF16 => 0x7F80u,
        _ => throw UnservedType.Error(type),
    };

    /// <summary>The index of the first element that is infinite or NaN, or -1.</summary>
    public static int IndexOfNotFinite(TensorType type, ReadOnlySpan<byte> elements)
    {
        int size = type.ElementSize();
        for (int at = 0; at < elements.Length / size; at++)
        {
            if (IsNotFinite(type, LargestBits(type, elements.Slice(at * size, size))))
            {
                return at;
            }
        }

        return -1;
    }

    private static T Largest<T>(ReadOnlySpan<T> elements, T withoutSign)
        where T : unmanaged, IBinaryInteger<T>
    {
        T largest = T.Zero;
        if (elements.Length >= Vector<T>.Count)
        {
            var mask = new Vector<T>(withoutSign);
            Vector<T> accumulator = Vector<T>.Zero;
            ReadOnlySpan<Vector<T>> vectors = MemoryMarshal.Cast<T, Vector<T>>(elements);
            foreach (Vector<T> vector in vectors)
            {
                accumulator = Vector.Max(accumulator, vector & mask);
            }

            for (int lane = 0; lane < Vector<T>.Count; lane++)
            {
                largest = T.Max(largest, accumulator[lane]);
            }

            elements = elements[(vectors.Length * Vector<T>.Count)..];
        }

        foreach (T element in elements)
        {
            largest = T.Max(largest, element & withoutSign);
        }

        return largest;
    }
}
