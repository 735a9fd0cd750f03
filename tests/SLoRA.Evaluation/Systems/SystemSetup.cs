namespace SLoRA.Evaluation.Systems;

/// <summary>What a system serves with: the same for all that are compared.</summary>
internal sealed record SystemSetup
{
    /// <summary>Adapters.</summary>
    public required int Adapters { get; init; }

    /// <summary>Their ranks, in turn.</summary>
    public required IReadOnlyList<int> Ranks { get; init; }

    /// <summary>Bytes beside one copy of the weights: keys, values and adapters, and further copies.</summary>
    public required long PoolBytes { get; init; }

    /// <summary>Bytes of a copy of the weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>
    /// The share of the pool that is the adapters' own in systems with two parts: that of S-LoRA's baseline at 200 adapters.
    /// </summary>
    public double RegionShare { get; init; } = 0.38;

    /// <summary>Rows of a step.</summary>
    public int RowsPerStep { get; init; } = 256;

    /// <summary>Rows of one long prompt beside others, and of those whose client has more waiting; null for half of a step.</summary>
    public int? PromptRows { get; init; }

    /// <summary>Sequences that run at once.</summary>
    public int Running { get; init; } = 128;

    /// <summary>Requests that may wait.</summary>
    public int Waiting { get; init; } = 100_000;

    /// <summary>Who goes first.</summary>
    public SchedulingPolicy Policy { get; init; } = new();

    /// <summary>Whether requests are admitted before there are pages for their whole length.</summary>
    public bool OverCommit { get; init; }

    /// <summary>What requests ask of their first token; null for nothing.</summary>
    public TimeSpan? FirstTokenTarget { get; init; }

    /// <summary>The largest rank.</summary>
    public int LargestRank => Ranks.Max();

    /// <summary>The rank of an adapter.</summary>
    public int RankOf(int adapter) => Ranks[adapter % Ranks.Count];
}
