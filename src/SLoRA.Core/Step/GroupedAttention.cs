namespace SLoRA.Step;

/// <summary>What an attention operation needs to know: causal attention with grouped heads over a cache of keys and values.</summary>
internal sealed record GroupedAttention
{
    /// <summary>Query heads, H.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads, G; divides <see cref="Heads"/>. Query head h reads key head h / (H/G).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Query heads that read the same key head, H/G; a shard may have fewer of those that read its first and its last.</summary>
    public int HeadsPerKey { get => field > 0 ? field : Heads / KeyValueHeads; init; }

    /// <summary>The place of query head 0 among those that read key head 0; not 0 only on a shard that lacks the ones before it.</summary>
    public int FirstHead { get; init; }

    /// <summary>Columns of a head, d; even.</summary>
    public required int HeadDim { get; init; }

    /// <summary>How many keys a query sees, its own included; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>
    /// Positions of a chunk: a query sees the keys of its own chunk up to itself, chunks counted from position 0; null for no chunks.
    /// </summary>
    public int? Chunk { get; init; }

    /// <summary>What the products of queries and keys are multiplied by.</summary>
    public required float ScoreScale { get; init; }

    /// <summary>Scores become <c>cap · tanh(score / cap)</c>; null for no cap.</summary>
    public float? ScoreCap { get; init; }

    /// <summary>Which positions a row sees.</summary>
    public Sight Sight => new(Window, Chunk);

    /// <summary>The first position that a row at a position sees.</summary>
    public int FirstVisible(int position) => Sight.FirstVisible(position);

    /// <summary>The query heads [first, end) that read a key head.</summary>
    public (int First, int End) HeadsOf(int key) =>
        (Math.Max(0, (key * HeadsPerKey) - FirstHead), Math.Min(Heads, ((key + 1) * HeadsPerKey) - FirstHead));

    /// <summary>Columns of all query heads, H d: what attention gives.</summary>
    public int QueryColumns => Heads * HeadDim;

    /// <summary>Columns of all key heads, and of all value heads, G d.</summary>
    public int KeyColumns => KeyValueHeads * HeadDim;
}
