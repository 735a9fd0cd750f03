using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>How a checkpoint stores one product of all experts.</summary>
internal enum ExpertStorage
{
    /// <summary>A matrix for each expert and part: <c>experts.3.gate_proj.weight</c>, <c>[out, in]</c>.</summary>
    PerExpert,

    /// <summary>One tensor <c>[E, out, in]</c>, parts one behind the other: <c>experts.gate_up_proj</c>.</summary>
    Stacked,

    /// <summary>One tensor <c>[E, in, out]</c>.</summary>
    Transposed,

    /// <summary>
    /// Blocks of 32 numbers of 4 bits, <c>[E, out, in / 32, 16]</c> bytes as <c>experts.gate_up_proj_blocks</c>, and their exponents,
    /// <c>[E, out, in / 32]</c> bytes as <c>experts.gate_up_proj_scales</c>.
    /// </summary>
    Mxfp4,
}

/// <summary>One product of every expert of a layer, of one or two parts that share their input: <c>y = [x W₀ᵀ | x W₁ᵀ]</c>.</summary>
/// <param name="Name">What the checkpoint calls the experts within their layer, such as <c>mlp.experts</c>.</param>
/// <param name="Parameter">What the reference calls the product of all experts, such as <c>gate_up_proj</c>.</param>
/// <param name="First">What a checkpoint with a matrix for each expert calls the first part.</param>
/// <param name="Second">And the second; null if there is one part only.</param>
/// <param name="Experts">Experts, E.</param>
/// <param name="PartOutputs">Outputs of a part.</param>
/// <param name="Inputs">Inputs.</param>
internal sealed record ExpertModule(
    string Name, string Parameter, string First, string? Second, int Experts, int PartOutputs, int Inputs) : Module(Name)
{
    /// <summary>How the checkpoint stores it.</summary>
    public ExpertStorage Storage { get; init; }

    /// <summary>Whether a checkpoint may as well have a matrix for each expert: versions of the reference save one or the other.</summary>
    public bool MayBeApart { get; init; }

    /// <summary>
    /// Whether there is a bias, stored as <c>experts.gate_up_proj_bias</c>, <c>[E, outputs]</c>, or one by one, as the weights are.
    /// </summary>
    public bool HasBias { get; init; }

    /// <summary>Which of the parameters of the experts this is, counted from 0.</summary>
    public int Place { get; init; }

    /// <summary>How the parameter lies in the reference.</summary>
    public ExpertOrder Order { get; init; }

    /// <summary>What adapters may call the experts besides, within their layer; null for nothing else.</summary>
    public string? Alias { get; init; }

    /// <summary>How shards share the experts: each has some of them, whole.</summary>
    public Split Owners => Split.OfExperts(Experts);

    /// <summary>
    /// What the checkpoint calls the one tensor of all experts, within the layer; null where it is called as the reference calls it.
    /// </summary>
    public string? StoredAs { get; init; }

    /// <inheritdoc/>
    public override string StoredName => StoredAs ?? Name;

    /// <summary>What is appended to <see cref="StoredName"/> for the tensor of all experts.</summary>
    public string StackedSuffix => StoredAs is null ? $".{Parameter}" : "";

    /// <summary>Parts.</summary>
    public int Parts => Second is null ? 1 : 2;

    /// <summary>Outputs of all parts.</summary>
    public int Outputs => Parts * PartOutputs;

    /// <summary>What is appended to the name for the codes of <see cref="ExpertStorage.Mxfp4"/>.</summary>
    public string Blocks => $".{Parameter}_blocks";

    /// <summary>The same for their exponents.</summary>
    public string Scales => $".{Parameter}_scales";

    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors =>
        HasBias ? [.. Weights, .. Biases] : [.. Weights];

    private IEnumerable<(string Suffix, ImmutableArray<long> Shape)> Biases => Storage == ExpertStorage.PerExpert
        ? OfEach(".bias", [PartOutputs])
        : [(StackedBias, [Experts, Outputs])];

    private IEnumerable<(string Suffix, ImmutableArray<long> Shape)> Weights => Storage switch
    {
        ExpertStorage.Stacked => [(StackedSuffix, [Experts, Outputs, Inputs])],
        ExpertStorage.Transposed => [(StackedSuffix, [Experts, Inputs, Outputs])],
        ExpertStorage.Mxfp4 =>
        [
            (Blocks, [Experts, Outputs, Inputs / Mxfp4Blocks.BlockElements, Mxfp4Blocks.BlockBytes]),
            (Scales, [Experts, Outputs, Inputs / Mxfp4Blocks.BlockElements]),
        ],
        _ => OfEach(".weight", [PartOutputs, Inputs]),
    };

    /// <summary>What is appended to the name for the tensor of all biases, where they are not stored one by one.</summary>
    public string StackedBias => $".{Parameter}_bias";

    /// <summary>What is appended to the name for one expert's part.</summary>
    public string Part(int expert, int part) => $".{expert}.{(part == 0 ? First : Second)}";

    /// <summary>The same for its weight, where each has its own.</summary>
    public string Weight(int expert, int part) => Part(expert, part) + ".weight";

    /// <summary>The same for its bias.</summary>
    public string Bias(int expert, int part) => Part(expert, part) + ".bias";

    private IEnumerable<(string Suffix, ImmutableArray<long> Shape)> OfEach(string suffix, ImmutableArray<long> shape) =>
        from expert in Enumerable.Range(0, Experts)
        from part in Enumerable.Range(0, Parts)
        select (Part(expert, part) + suffix, shape);
}

/// <summary>A vector that is no weight of a norm and no bias of a product, such as the correction of a router.</summary>
/// <param name="Name">What the checkpoint calls it within its layer.</param>
/// <param name="Shape0">Its dimension, or the first of two.</param>
/// <param name="Shape1">Its second dimension; null for one only.</param>
internal sealed record VectorModule(string Name, int Shape0, int? Shape1 = null) : Module(Name)
{
    /// <inheritdoc/>
    public override ImmutableArray<(string Suffix, ImmutableArray<long> Shape)> Tensors =>
        [("", Shape1 is { } second ? [Shape0, second] : [Shape0])];
}
