using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>The product that makes keys and values of a latent: for each head the columns of its key, then those of its value.</summary>
/// <param name="Name">What the checkpoint calls it within its layer.</param>
/// <param name="Heads">Heads, H.</param>
/// <param name="KeyColumns">Columns of a head's key.</param>
/// <param name="ValueColumns">Columns of a head's value.</param>
/// <param name="Inputs">Columns of the latent.</param>
internal sealed record LatentModule(string Name, int Heads, int KeyColumns, int ValueColumns, int Inputs) : Module(Name)
{
    /// <summary>Outputs of all heads.</summary>
    public int Outputs => Heads * (KeyColumns + ValueColumns);

    /// <summary>How shards share the heads, a column for each.</summary>
    public Split Owners => Split.OfHeads(Heads, KeyColumns + ValueColumns).With(1);

    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors => [(".weight", [Outputs, Inputs])];
}
