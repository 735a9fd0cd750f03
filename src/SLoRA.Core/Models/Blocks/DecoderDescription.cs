using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// A decoder as data: everything that the one model definition needs to know and nothing about files. A family is a function from a
/// configuration to this; what a new family does differently becomes a block, a member of one, or a member here whose default is what all
/// others do.
/// </summary>
internal sealed record DecoderDescription
{
    /// <summary>The class name in the configuration, such as <c>LlamaForCausalLM</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Rows of the embedding and of the head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Positions that the model was made for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The norm before the head; its name is what stands behind <see cref="Body"/>.</summary>
    public required NormModule FinalNorm { get; init; }

    /// <summary>Whether the head uses the embedding's matrix.</summary>
    public required bool TiedEmbeddings { get; init; }

    /// <summary>Whether the head has a bias, which is its own where its matrix is the embedding's.</summary>
    public bool HeadBias { get; init; }

    /// <summary>What embeddings are multiplied by, those of adapters included.</summary>
    public float EmbeddingMultiplier { get; init; } = 1;

    /// <summary>What logits are multiplied by.</summary>
    public float LogitMultiplier { get; init; } = 1;

    /// <summary>Logits become <c>cap · tanh(logit / cap)</c>; null for no cap.</summary>
    public float? LogitCap { get; init; }

    /// <summary>The type that the configuration says weights are in. Single tensors may differ.</summary>
    public required TensorType WeightType { get; init; }

    /// <summary>Inputs of their own for every layer; null for none.</summary>
    public PerLayerInputs? PerLayerInputs { get; init; }

    /// <summary>The layers, first to last.</summary>
    public required ImmutableArray<LayerDescription> Layers { get; init; }

    /// <summary>Tokens that end a sequence; empty if none is known.</summary>
    public required ImmutableArray<int> EndOfSequence { get; init; }

    /// <summary>Whether a checkpoint may have more layers than these, which predict further tokens and are left out.</summary>
    public bool LeavesLaterLayersOut { get; init; }

    /// <summary>What stands before the names of all modules but the head.</summary>
    public string Body { get; init; } = "model.";

    /// <summary>What adapters may have in the place of <see cref="Body"/> besides; null for nothing else.</summary>
    public string? OtherBody { get; init; }

    /// <summary>What the checkpoint calls the table of token embeddings, behind <see cref="Body"/>.</summary>
    public string EmbeddingName { get; init; } = "embed_tokens";

    /// <summary>What the names of tensors begin with that are left out; null for nothing.</summary>
    public string? LeavesOut { get; init; }

    /// <summary>Whether it is the text part of a model whose checkpoint has other parts too, which are left out.</summary>
    public bool IsTextPart { get; init; }

    /// <summary>The table of token embeddings.</summary>
    public EmbeddingModule Embedding => new(Body + EmbeddingName, VocabularySize, HiddenSize);

    /// <summary>Hidden state → logits. With tied embeddings its weight is stored as the embedding's.</summary>
    public LinearModule Head =>
        new("lm_head", VocabularySize, HiddenSize, HeadBias) { Partition = Partition.Outputs(Split.OfColumns(VocabularySize)) };

    /// <summary>The module under which the head's weight is stored.</summary>
    public Module HeadWeight => TiedEmbeddings ? Embedding : Head;

    /// <summary>What the blocks keep of a sequence, in the order of the layers; blocks that keep nothing are left out.</summary>
    public ImmutableArray<KeptState> Kept => [.. Blocks.Select(block => Within(block.Keeps)).Where(kept => !kept.IsNothing)];

    /// <summary>How rotations depend on the length of the sequence; null if they do not.</summary>
    public RopeLengths? RopeLengths => Blocks.Select(block => block.RopeLengths).FirstOrDefault(lengths => lengths is not null);

    /// <summary>The sizes that devices ask for.</summary>
    public DecoderShape Shape =>
        new(ContextLength, VocabularySize, [.. Blocks.Select(block => block.Attention).OfType<GroupedAttention>()])
        {
            HasLatentAttention = Blocks.Any(block => block is LatentAttentionBlock),
            HasRecurrences = Blocks.Any(block => block.IsRecurrent),
        };

    /// <summary>The same with experts as a checkpoint has them, where it may have them in one tensor or one by one.</summary>
    /// <param name="isStored">Whether the checkpoint has a tensor of a name.</param>
    public DecoderDescription AsStored(Func<string, bool> isStored) =>
        !Blocks.Any(block => block is ExpertsBlock { GateUp.MayBeApart: true })
            ? this
            : this with
            {
                Layers =
                [
                    .. Layers.Select((layer, number) => new LayerDescription(
                        [.. layer.Branches.Select(branch => AsStored(branch, Prefix(number), isStored))])),
                ],
            };

    private static Branch AsStored(Branch branch, string prefix, Func<string, bool> isStored) =>
        branch.Block is ExpertsBlock { GateUp.MayBeApart: true } experts
            && isStored(prefix + experts.GateUp.Name + experts.GateUp.Weight(expert: 0, part: 0))
            ? branch with
            {
                Block = experts with
                {
                    GateUp = experts.GateUp with { Storage = ExpertStorage.PerExpert },
                    Down = experts.Down with { Storage = ExpertStorage.PerExpert },
                },
            }
            : branch;

    private IEnumerable<Block> Blocks => Layers.SelectMany(layer => layer.Branches).Select(branch => branch.Block);

    /// <summary>What stands before the names of a layer's modules.</summary>
    public string Prefix(int layer) => $"{Body}layers.{layer}.";

    private KeptState Within(KeptState kept) => kept.PerToken is not { } shape
        ? kept
        : kept with { PerToken = shape with { Sight = shape.Sight.Within(ContextLength) } };
}
