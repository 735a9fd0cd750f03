namespace SLoRA.Formats;

/// <summary>The last arm of every switch over element types.</summary>
internal static class UnservedType
{
    /// <summary>What reaches an arm that was written for no such type: it is never taken for another.</summary>
    public static ArgumentOutOfRangeException Error(TensorType type) =>
        new(nameof(type), type, $"Nothing here is written for elements of type {type}.");
}
