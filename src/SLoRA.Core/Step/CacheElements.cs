using SLoRA.Formats;

namespace SLoRA.Step;

/// <summary>What keys and values are kept as: the program's choice, and the element type that follows from it.</summary>
internal static class CacheElements
{
    /// <summary>The element type that a choice stands for.</summary>
    /// <param name="type">The choice.</param>
    /// <param name="weights">The type of the base weights.</param>
    public static TensorType Of(CacheType type, TensorType weights) => type switch
    {
        CacheType.Float32 => TensorType.F32,
        CacheType.Float16 => TensorType.F16,
        CacheType.BFloat16 => TensorType.BF16,
        CacheType.Int8 => TensorType.I8,
        CacheType.Weights => weights,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such type of cache."),
    };

    /// <summary>How a program would ask for an element type.</summary>
    public static CacheType Of(TensorType type) => type switch
    {
        TensorType.F32 => CacheType.Float32,
        TensorType.F16 => CacheType.Float16,
        TensorType.BF16 => CacheType.BFloat16,
        TensorType.I8 => CacheType.Int8,
        _ => throw UnservedType.Error(type),
    };
}
