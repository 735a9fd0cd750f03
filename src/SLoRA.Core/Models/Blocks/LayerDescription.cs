using System.Collections.Immutable;

namespace SLoRA.Models.Blocks;

/// <summary>One layer: for each of its branches in turn, <c>x += block(norm(x))</c>.</summary>
/// <param name="Branches">The branches, first to last.</param>
internal sealed record LayerDescription(params ImmutableArray<Branch> Branches)
{
    /// <summary>Every module of the layer, once, in the order of the checkpoint.</summary>
    public IEnumerable<Module> Modules => Branches.SelectMany(branch => branch.Block.Modules.Prepend(branch.Norm));
}

/// <summary>One addition to the residual stream: <c>x += block(norm(x))</c>.</summary>
/// <param name="Norm">The norm before the block.</param>
/// <param name="Block">The block.</param>
internal sealed record Branch(NormModule Norm, Block Block);
