namespace SLoRA.Step;

/// <summary>The function that a feed-forward block applies to its gate.</summary>
internal enum Activation
{
    /// <summary><c>x / (1 + e⁻ˣ)</c>.</summary>
    Silu,
}
