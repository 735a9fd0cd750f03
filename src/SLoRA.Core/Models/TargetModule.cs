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

    /// <summary>Columns of A. For the embedding the vocabulary.</summary>
    public required int InFeatures { get; init; }

    /// <summary>Rows of B. For the embedding the hidden size.</summary>
    public required int OutFeatures { get; init; }

    /// <summary>How its weight is cut over shards, and with it what adapters add to it; null if it cannot be.</summary>
    public Partition? Partition { get; init; }

    /// <summary>Whether adapters may target it. One that may not is refused by name when an adapter does.</summary>
    public bool IsTarget { get; init; } = true;

    /// <summary>The module under which its weight is stored, if that is another: for a tied head the embedding.</summary>
    public string? StoredAs { get; init; }

    /// <summary>The tensor of the checkpoint that is its weight.</summary>
    public string WeightName => (StoredAs ?? Name) + ".weight";
}
