namespace SLoRA.Models;

/// <summary>Causal attention with grouped heads and a cache.</summary>
internal sealed record AttentionDescription
{
    /// <summary>Query heads, H.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads, G; divides <see cref="Heads"/>. Query head h reads key head h / (H/G).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Columns of a head, d; even.</summary>
    public required int HeadDim { get; init; }

    /// <summary>How many keys a query sees, its own included; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>The rotation of queries and keys. Layers with the same rotation share the object.</summary>
    public required RopeDescription Rope { get; init; }

    /// <summary>Whether every query and key head has an RMS norm before it is rotated, with weights that the heads share.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Whether the projections to queries, keys and values have biases.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>What the products of queries and keys are multiplied by.</summary>
    public required float ScoreScale { get; init; }
}
