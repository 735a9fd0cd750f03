using System.Runtime.CompilerServices;

namespace SLoRA.Formats;

/// <summary>Single elements of the floating-point tensor types: widened to fp32 exactly, narrowed by rounding to nearest even.</summary>
internal static unsafe class Elements
{
    /// <summary>Reads element <paramref name="index"/>, which need not be aligned.</summary>
    public static float Read(TensorType type, byte* data, long index) => type switch
    {
        TensorType.F32 => Unsafe.ReadUnaligned<float>(data + (4 * index)),
        TensorType.F16 => (float)Unsafe.ReadUnaligned<Half>(data + (2 * index)),
        TensorType.BF16 => Widen(Unsafe.ReadUnaligned<ushort>(data + (2 * index))),
        _ => throw UnservedType.Error(type),
    };

    /// <summary>Writes element <paramref name="index"/>.</summary>
    public static void Write(TensorType type, byte* data, long index, float value)
    {
        switch (type)
        {
            case TensorType.F32:
                Unsafe.WriteUnaligned(data + (4 * index), value);
                break;
            case TensorType.F16:
                Unsafe.WriteUnaligned(data + (2 * index), (Half)value);
                break;
            case TensorType.BF16:
                Unsafe.WriteUnaligned(data + (2 * index), Narrow(value));
                break;
            default:
                throw UnservedType.Error(type);
        }
    }

    /// <summary>bf16 → fp32: the upper half of the bits.</summary>
    public static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>fp32 → bf16, to nearest even; NaN stays NaN.</summary>
    public static ushort Narrow(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
        {
            return (ushort)((bits >> 16) | 0x40);
        }

        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
