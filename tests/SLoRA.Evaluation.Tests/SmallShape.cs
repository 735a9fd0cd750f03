namespace SLoRA.Evaluation.Tests;

/// <summary>A decoder that computes in no time.</summary>
internal static class SmallShape
{
    /// <summary>Two layers.</summary>
    public static Shape Value { get; } = new("small", 2, 64, 96, 4, 2, 16, 320);
}
