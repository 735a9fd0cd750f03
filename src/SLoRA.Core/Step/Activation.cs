namespace SLoRA.Step;

/// <summary>The function that a feed-forward block applies to its gate.</summary>
internal enum Activation
{
    /// <summary><c>x / (1 + e⁻ˣ)</c>.</summary>
    Silu,

    /// <summary><c>x/2 · (1 + erf(x/√2))</c>.</summary>
    Gelu,

    /// <summary><c>x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))</c>.</summary>
    GeluTanh,
}
