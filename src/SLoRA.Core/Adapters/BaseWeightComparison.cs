using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Adapters;

/// <summary>Compares a copy of a base weight with the base's own by value: an fp32 copy of a bf16 weight is equal to it.</summary>
internal sealed unsafe class BaseWeightComparison(TensorType ownType, nint own, long elements)
{
    private const int BlockElements = 4096;

    /// <summary>The first element of a piece that differs, or -1.</summary>
    /// <param name="type">The type of the copy.</param>
    /// <param name="copy">A piece of the copy.</param>
    /// <param name="first">The element at which the piece begins.</param>
    public long FirstDifference(TensorType type, ReadOnlySpan<byte> copy, long first)
    {
        int count = copy.Length / type.ElementSize();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, elements - count);
        var weight = new ReadOnlySpan<byte>((byte*)own + (first * ownType.ElementSize()), count * ownType.ElementSize());
        // Equal bytes are equal values. The reverse does not hold: zero has two signs.
        if (type == ownType && weight.SequenceEqual(copy))
            return -1;
        Span<float> left = stackalloc float[BlockElements], right = stackalloc float[BlockElements];
        for (int at = 0; at < count; at += BlockElements)
        {
            int length = Math.Min(BlockElements, count - at);
            Widen(type, copy.Slice(at * type.ElementSize(), length * type.ElementSize()), left);
            Widen(ownType, weight.Slice(at * ownType.ElementSize(), length * ownType.ElementSize()), right);
            int equal = left[..length].CommonPrefixLength(right[..length]);
            if (equal < length)
                return at + equal;
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
            default:
                ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(source);
                for (int at = 0; at < bits.Length; at++)
                    destination[at] = Elements.Widen(bits[at]);
                break;
        }
    }
}
