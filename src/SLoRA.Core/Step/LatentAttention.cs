namespace SLoRA.Step;

/// <summary>
/// Attention over a latent that all heads share: of every token the cache keeps a latent and one rotated key part, from which each head's
/// keys and values are linear functions. Queries are taken into the space of the latent instead, so that no key or value is ever made:
/// <c>q_h · (W_h c) = (W_hᵀ q_h) · c</c>.
/// </summary>
internal sealed record LatentAttention
{
    /// <summary>Heads, H.</summary>
    public required int Heads { get; init; }

    /// <summary>Columns of the latent, R.</summary>
    public required int Latent { get; init; }

    /// <summary>Columns of a head's query that do not rotate.</summary>
    public required int Plain { get; init; }

    /// <summary>Columns of a head's query, and of the key part, that rotate; even.</summary>
    public required int Rotated { get; init; }

    /// <summary>Columns of a head's value.</summary>
    public required int Value { get; init; }

    /// <summary>What products of queries and keys are multiplied by.</summary>
    public required float ScoreScale { get; init; }

    /// <summary>Whether columns 2i and 2i + 1 turn together; else i and i + half of them.</summary>
    public required bool AdjacentPairs { get; init; }

    /// <summary>Columns of a head's query: those that do not rotate, then those that do.</summary>
    public int QueryColumns => Plain + Rotated;

    /// <summary>Columns that are kept of a token: the latent, then the rotated part.</summary>
    public int KeyColumns => Latent + Rotated;

    /// <summary>The same as attention with one key head: what sizes of working memory follow from.</summary>
    public GroupedAttention Grouped => new() { Heads = Heads, KeyValueHeads = 1, HeadDim = KeyColumns, ScoreScale = ScoreScale };
}
