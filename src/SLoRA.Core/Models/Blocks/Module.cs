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

    /// <summary>What the names of its tensors begin with, within the layer, where that is not its own name.</summary>
    public virtual string StoredName => Name;

    /// <summary>
    /// How its weight is cut over shards; null where every shard has all of it, as of a norm, and computes all of it. Of a product this
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
    /// <summary>What adapters may call it besides, within its layer; null for nothing else.</summary>
    public string? Alias { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors =>
        HasBias ? [(".weight", [Outputs, Inputs]), (".bias", [Outputs])] : [(".weight", [Outputs, Inputs])];
}

/// <summary>
/// A norm by the root of the mean square, <c>y = w ∘ x / √(mean(x²) + ε)</c>, or, where <see cref="IsCentered"/>, a layer norm, which takes
/// the mean away first.
/// </summary>
/// <param name="Name">What the checkpoint calls it within its layer.</param>
/// <param name="Width">Columns that are normed together.</param>
/// <param name="Epsilon">What is added to the mean square.</param>
internal sealed record NormModule(string Name, int Width, float Epsilon) : Module(Name)
{
    /// <summary>Whether the mean is taken away first.</summary>
    public bool IsCentered { get; init; }

    /// <summary>Whether there is a bias; only a centered norm can have one.</summary>
    public bool HasBias { get; init; }

    /// <summary>What is added to the stored weight: 1 where the checkpoint has the difference from 1.</summary>
    public float WeightOffset { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors =>
        HasBias ? [(".weight", [Width]), (".bias", [Width])] : [(".weight", [Width])];
}

/// <summary>A number that is a setting of a layer and not a weight of a product: it is read when the model is loaded.</summary>
/// <param name="Name">What the checkpoint calls it within its layer; the tensor has the same name.</param>
/// <param name="IsVector">Whether the tensor is a vector of one element instead of a number without dimensions.</param>
internal sealed record NumberModule(string Name, bool IsVector) : Module(Name)
{
    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors => [("", IsVector ? [1] : [])];
}

/// <summary>A depthwise convolution; adapters cannot change one.</summary>
/// <param name="Name">What the checkpoint calls it within its layer.</param>
/// <param name="Channels">Channels, each by itself.</param>
/// <param name="Kernel">Inputs that an output sees.</param>
/// <param name="HasBias">Whether there is a bias.</param>
internal sealed record ConvolutionModule(string Name, int Channels, int Kernel, bool HasBias) : Module(Name)
{
    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors =>
        HasBias ? [(".weight", [Channels, 1, Kernel]), (".bias", [Channels])] : [(".weight", [Channels, 1, Kernel])];
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
