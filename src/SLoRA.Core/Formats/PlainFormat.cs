using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats;

/// <summary>Weights that are elements of one floating-point type and nothing else: one element per block.</summary>
internal sealed class PlainFormat(TensorType type) : WeightFormat(type.ToString(), 1, type.ElementSize())
{
    /// <summary>The type: F32, F16 or BF16.</summary>
    public TensorType Type { get; } = type;

    /// <inheritdoc/>
    public override void Widen(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Length, BytesOf(values.Length), nameof(blocks));
        switch (Type)
        {
            case TensorType.F32:
                blocks.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case TensorType.F16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(blocks), values);
                break;
            case TensorType.BF16:
                WidenBrain(MemoryMarshal.Cast<byte, ushort>(blocks), values);
                break;
            default:
                throw UnservedType.Error(Type);
        }
    }

    /// <inheritdoc/>
    public override long FirstNotFinite(ReadOnlySpan<byte> blocks) =>
        WeightScan.IsNotFinite(Type, WeightScan.LargestBits(Type, blocks)) ? WeightScan.IndexOfNotFinite(Type, blocks) : -1;

    // Compiled for speed at once: weights are widened when a program starts.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenBrain(ReadOnlySpan<ushort> bits, Span<float> values)
    {
        int at = 0;
        for (; at + Vector256<ushort>.Count <= bits.Length; at += Vector256<ushort>.Count)
        {
            (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(Vector256.Create(bits[at..]));
            (lower << 16).AsSingle().CopyTo(values[at..]);
            (upper << 16).AsSingle().CopyTo(values[(at + Vector256<float>.Count)..]);
        }

        for (; at < bits.Length; at++)
        {
            values[at] = Elements.Widen(bits[at]);
        }
    }
}
