using System.Collections.Immutable;

namespace SLoRA.Models.Blocks;

/// <summary>One layer: its branches in turn.</summary>
/// <param name="Branches">The branches, first to last.</param>
internal sealed record LayerDescription(params ImmutableArray<Branch> Branches)
{
    /// <summary>Every module of the layer, once, in the order of the checkpoint.</summary>
    public IEnumerable<Module> Modules => Branches.SelectMany(branch => branch.Modules);
}

/// <summary>
/// One addition to the residual stream: <c>x += Multiplier · normBehind(block(norm(x)))</c>, with the norms that there are.
/// </summary>
/// <param name="Norm">The norm before the block; null if the block gets the residual stream itself.</param>
/// <param name="Block">The block.</param>
internal sealed record Branch(NormModule? Norm, Block Block)
{
    /// <summary>The norm of what the block gives; null for none.</summary>
    public NormModule? NormBehind { get; init; }

    /// <summary>What is added is multiplied by it.</summary>
    public float Multiplier { get; init; } = 1;

    /// <summary>A stored number that the whole residual stream is multiplied by behind the addition; null for none.</summary>
    public NumberModule? FactorBehind { get; init; }

    /// <summary>Every module, once.</summary>
    public IEnumerable<Module> Modules =>
        ((Module?[])[Norm, .. Block.Modules, NormBehind, FactorBehind]).OfType<Module>();
}
