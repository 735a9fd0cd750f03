using System.Collections.Immutable;

namespace SLoRA;

/// <summary>What an adapter computes, for tensors that a program hands in without PEFT's configuration file.</summary>
public sealed record AdapterSettings
{
    /// <summary>The rank of all matrices, at least 1.</summary>
    public required int Rank { get; init; }

    /// <summary>LoRA's alpha, finite: B A is multiplied by alpha / rank.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether this is rsLoRA: B A is multiplied by alpha / √rank.</summary>
    public bool UseRsLora { get; init; }

    /// <summary>
    /// The modules that have LoRA: names, or ends of names behind a dot, such as <c>q_proj</c> or <c>model.layers.0.mlp.up_proj</c>.
    /// </summary>
    public required ImmutableArray<string> TargetModules { get; init; }
}
