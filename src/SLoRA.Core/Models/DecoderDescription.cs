using System.Collections.Immutable;
using SLoRA.Formats;

namespace SLoRA.Models;

/// <summary>
/// A decoder as data: everything that the one model definition needs to know and nothing about files. A family is a function from a configuration
/// to this; what a new family does differently becomes a member here or in one of the parts, whose default is what all others do.
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

    /// <summary>What every RMS norm adds to the mean square.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Whether the head uses the embedding's matrix.</summary>
    public required bool TiedEmbeddings { get; init; }

    /// <summary>The type that the configuration says weights are in. Single tensors may differ.</summary>
    public required TensorType WeightType { get; init; }

    /// <summary>The layers, first to last.</summary>
    public required ImmutableArray<LayerDescription> Layers { get; init; }

    /// <summary>Tokens that end a sequence; empty if none is known.</summary>
    public required ImmutableArray<int> EndOfSequence { get; init; }
}
