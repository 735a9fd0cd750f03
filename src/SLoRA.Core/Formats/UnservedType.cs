namespace SLoRA.Formats;

/// <summary>The last arm of every switch over element types and formats.</summary>
internal static class UnservedType
{
    /// <summary>What reaches an arm that was written for no such type: it is never taken for another.</summary>
    public static ArgumentOutOfRangeException Error(TensorType type) =>
        new(nameof(type), type, $"Nothing here is written for elements of type {type}.");

    /// <summary>The same for a format.</summary>
    public static ArgumentOutOfRangeException Error(WeightFormat format) =>
        new(nameof(format), format, $"Nothing here is written for weights in the format {format}.");
}
