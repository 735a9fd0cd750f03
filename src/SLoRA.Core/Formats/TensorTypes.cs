namespace SLoRA.Formats;

/// <summary>Sizes and spellings of <see cref="TensorType"/>.</summary>
internal static class TensorTypes
{
    /// <summary>Whether weights of this type can be computed with: F32, F16 or BF16.</summary>
    public static bool IsWeight(this TensorType type) => type is TensorType.F32 or TensorType.F16 or TensorType.BF16;

    /// <summary>Bytes of one element. Types below one byte have no such size and throw.</summary>
    public static int ElementSize(this TensorType type)
    {
        int bits = type.ElementBits();
        return bits >= 8 ? bits / 8 : throw new ArgumentOutOfRangeException(nameof(type), type, "an element is smaller than a byte");
    }

    /// <summary>Bits of one element: 4 to 64.</summary>
    public static int ElementBits(this TensorType type) => type switch
    {
        TensorType.F64 or TensorType.I64 or TensorType.U64 or TensorType.C64 => 64,
        TensorType.F32 or TensorType.I32 or TensorType.U32 => 32,
        TensorType.F16 or TensorType.BF16 or TensorType.I16 or TensorType.U16 => 16,
        TensorType.F6E2M3 or TensorType.F6E3M2 => 6,
        TensorType.F4 => 4,
        TensorType.F8E4M3 or TensorType.F8E5M2 or TensorType.F8E8M0 or TensorType.F8E4M3Fnuz or TensorType.F8E5M2Fnuz => 8,
        TensorType.I8 or TensorType.U8 or TensorType.Bool => 8,
        _ => throw UnservedType.Error(type),
    };

    /// <summary>Reads the spelling that safetensors headers use.</summary>
    public static TensorType? Parse(string dtype) => dtype switch
    {
        "F64" => TensorType.F64,
        "F32" => TensorType.F32,
        "F16" => TensorType.F16,
        "BF16" => TensorType.BF16,
        "F8_E4M3" => TensorType.F8E4M3,
        "F8_E5M2" => TensorType.F8E5M2,
        "F8_E8M0" => TensorType.F8E8M0,
        "F8_E4M3FNUZ" => TensorType.F8E4M3Fnuz,
        "F8_E5M2FNUZ" => TensorType.F8E5M2Fnuz,
        "F6_E2M3" => TensorType.F6E2M3,
        "F6_E3M2" => TensorType.F6E3M2,
        "F4" => TensorType.F4,
        "C64" => TensorType.C64,
        "I64" => TensorType.I64,
        "I32" => TensorType.I32,
        "I16" => TensorType.I16,
        "I8" => TensorType.I8,
        "U64" => TensorType.U64,
        "U32" => TensorType.U32,
        "U16" => TensorType.U16,
        "U8" => TensorType.U8,
        "BOOL" => TensorType.Bool,
        _ => null,
    };
}
