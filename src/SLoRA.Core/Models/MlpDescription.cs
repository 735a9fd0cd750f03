namespace SLoRA.Models;

/// <summary>A gated feed-forward block: <c>down(activation(gate(x)) ∘ up(x))</c>.</summary>
internal sealed record MlpDescription
{
    /// <summary>Outputs of gate and up, inputs of down.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>What is applied to the gate.</summary>
    public Activation Activation { get; init; }

    /// <summary>Whether gate, up and down have biases.</summary>
    public bool Bias { get; init; }
}
