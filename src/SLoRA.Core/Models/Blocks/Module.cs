using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// A module of a block, declared once: the tensors of the checkpoint, the modules that adapters can target, loading and the coverage report
/// all follow from the declaration. Names are those of the checkpoint, relative to the module's layer.
/// </summary>
/// <param name="Name">What the checkpoint calls it within its layer, such as <c>self_attn.q_proj</c>.</param>
internal abstract record Module(string Name)
{
    /// <summary>Its tensors: what is appended to its name, and the shape, outermost dimension first.</summary>
    public abstract ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors { get; }

    /// <summary>
    /// How its weight is cut over shards; null where it cannot be, or where every shard needs all of it, as of a norm. Of a product this
    /// also says which sums are added leaf by leaf, on one shard too.
    /// </summary>
    public Partition? Partition { get; init; }
}

/// <summary>A product with a matrix: <c>y = x Wᵀ + b</c>.</summary>
/// <param name="Name">What the checkpoint calls it within its layer.</param>
/// <param name="Outputs">Rows of the weight.</param>
/// <param name="Inputs">Columns of the weight.</param>
/// <param name="HasBias">Whether there is a bias.</param>
/// <param name="IsTarget">Whether adapters can target it.</param>
internal sealed record LinearModule(string Name, int Outputs, int Inputs, bool HasBias = false, bool IsTarget = true) : Module(Name)
{
    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors =>
        HasBias ? [(".weight", [Outputs, Inputs]), (".bias", [Outputs])] : [(".weight", [Outputs, Inputs])];
}

/// <summary>A norm by the root of the mean square: <c>y = w ∘ x / √(mean(x²) + ε)</c>.</summary>
/// <param name="Name">What the checkpoint calls it within its layer.</param>
/// <param name="Width">Columns that are normed together.</param>
/// <param name="Epsilon">What is added to the mean square.</param>
internal sealed record NormModule(string Name, int Width, float Epsilon) : Module(Name)
{
    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors => [(".weight", [Width])];
}

/// <summary>The table of token embeddings.</summary>
internal sealed record EmbeddingModule : Module
{
    /// <summary>Declares a table, which shards share out by its entries.</summary>
    /// <param name="name">What the checkpoint calls it.</param>
    /// <param name="entries">Tokens.</param>
    /// <param name="width">Columns.</param>
    public EmbeddingModule(string name, int entries, int width)
        : base(name)
    {
        Entries = entries;
        Width = width;
        Partition = Step.Partition.Outputs(Split.OfColumns(entries));
    }

    /// <summary>Tokens.</summary>
    public int Entries { get; }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors => [(".weight", [Entries, Width])];
}
