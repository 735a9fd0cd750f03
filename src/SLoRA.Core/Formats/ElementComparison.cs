using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace SLoRA.Formats;

/// <summary>
/// Compares elements of weights by value, whatever types they are stored in: an fp32 copy of a bf16 weight is equal to it.
/// </summary>
internal static class ElementComparison
{
    private const int BlockElements = 4096;

    /// <summary>The first element that differs, or -1.</summary>
    /// <param name="leftType">F32, F16 or BF16.</param>
    /// <param name="left">Elements of that type.</param>
    /// <param name="rightType">F32, F16 or BF16.</param>
    /// <param name="right">As many elements of that type.</param>
    public static long FirstDifference(TensorType leftType, ReadOnlySpan<byte> left, TensorType rightType, ReadOnlySpan<byte> right)
    {
        int leftSize = leftType.ElementSize(), rightSize = rightType.ElementSize(), count = left.Length / leftSize;
        ArgumentOutOfRangeException.ThrowIfNotEqual(right.Length / rightSize, count, nameof(right));
        // Equal bytes are equal values. The reverse does not hold: zero has two signs.
        if (leftType == rightType && left.SequenceEqual(right))
        {
            return -1;
        }

        Span<float> a = stackalloc float[BlockElements], b = stackalloc float[BlockElements];
        for (int at = 0; at < count; at += BlockElements)
        {
            int length = Math.Min(BlockElements, count - at);
            Widen(leftType, left.Slice(at * leftSize, length * leftSize), a);
            Widen(rightType, right.Slice(at * rightSize, length * rightSize), b);
            int equal = a[..length].CommonPrefixLength(b[..length]);
            if (equal < length)
            {
                return at + equal;
            }
        }

        return -1;
    }

    private static void Widen(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.F32:
                MemoryMarshal.Cast<byte, float>(source).CopyTo(destination);
                break;
            case TensorType.F16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination);
                break;
            case TensorType.BF16:
                ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(source);
                for (int at = 0; at < bits.Length; at++)
                {
                    destination[at] = Elements.Widen(bits[at]);
                }

                break;
            default:
                throw UnservedType.Error(type);
        }
    }
}
