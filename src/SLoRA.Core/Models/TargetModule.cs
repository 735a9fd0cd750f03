using SLoRA.Step;

namespace SLoRA.Models;

/// <summary>A module whose weights adapters can change.</summary>
internal sealed record TargetModule
{
    /// <summary>Its place in <see cref="DecoderModules.Targets"/>: tile directories and kernels know modules by it.</summary>
    public required int Index { get; init; }

    /// <summary>Its name as PEFT sees it, such as <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How it computes.</summary>
    public required TargetKind Kind { get; init; }

    /// <summary>Its layer; -1 for embedding and head.</summary>
    public required int Layer { get; init; }

    /// <summary>Columns of A. For the embedding the vocabulary, for a norm its width.</summary>
    public required int InFeatures { get; init; }

    /// <summary>Rows of B. For the embedding the hidden size, for a norm its width.</summary>
    public required int OutFeatures { get; init; }

    /// <summary>The name of the same module in another version of the reference; null if it has one name only.</summary>
    public string? Alias { get; init; }

    /// <summary>
    /// The parameter that holds this matrix for every expert, as adapters know it; null for what is none of an expert's, and for a part of
    /// a fused one.
    /// </summary>
    public ExpertParameter? Parameter { get; init; }

    /// <summary>Its names.</summary>
    public IEnumerable<string> Names => Alias is null ? [Name] : [Name, Alias];

    /// <summary>The views of its heads that follow it; null if it has none.</summary>
    public HeadViews? Views { get; init; }

    /// <summary>Whether this is of one expert.</summary>
    public bool IsOfExpert => Kind is TargetKind.Expert or TargetKind.FusedExpert;

    /// <summary>
    /// How its weight is cut over shards, and with it what adapters add to it; null if it is not: every shard has it, or its
    /// <see cref="Owner"/>.
    /// </summary>
    public Partition? Partition { get; init; }

    /// <summary>Which shard alone has it; null where that is none in particular.</summary>
    public ShardOfUnit? Owner { get; init; }

    /// <summary>
    /// What one of several shards has of the dimension that is cut; the last one has the tokens that the model does not have. Null where
    /// nothing is cut.
    /// </summary>
    public Runs? OnShard(int shard, int shards)
    {
        if (Partition?.Of(shard, shards) is not { } own || AddedTokens == 0 || shard < shards - 1)
        {
            return Partition?.Of(shard, shards);
        }

        return Runs.Of(own.First, own.Count + AddedTokens);
    }

    /// <summary>Whether adapters may target it. One that may not is refused by name when an adapter does.</summary>
    public bool IsTarget { get; init; } = true;

    /// <summary>Whether it adds a bias.</summary>
    public bool HasBias { get; init; }

    /// <summary>Of a norm, what is added to the stored weight, of the base and of adapters.</summary>
    public float WeightOffset { get; init; }

    /// <summary>Of embedding and head as an adapter sees them, the last of its tokens, which the model does not have.</summary>
    public int AddedTokens { get; init; }

    /// <summary>The module under which its weight is stored, if that is another: for a tied head the embedding.</summary>
    public string? StoredAs { get; init; }

    /// <summary>The tensor of the checkpoint that is its weight.</summary>
    public string WeightName => (StoredAs ?? Name) + ".weight";

    /// <summary>The tensor of the checkpoint that is its bias, if it has one.</summary>
    public string BiasName => Name + ".bias";
}
