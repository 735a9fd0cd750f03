namespace SLoRA.Models;

/// <summary>One layer: <c>x += attention(norm(x)); x += mlp(norm(x))</c>.</summary>
internal sealed record LayerDescription
{
    /// <summary>The attention block.</summary>
    public required AttentionDescription Attention { get; init; }

    /// <summary>The feed-forward block.</summary>
    public required MlpDescription Mlp { get; init; }
}
