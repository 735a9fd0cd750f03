using System.Collections.Immutable;
using SLoRA.Formats;
namespace SLoRA.Models;

internal sealed record DecoderDescription { public required string Architecture { get; init; } public required int VocabularySize { get; init; } public required int HiddenSize { get; init; } public required int ContextLength { get; init; } public required float NormEpsilon { get; init; } public required bool TiedEmbeddings { get; init; } public required TensorType WeightType { get; init; } public required ImmutableArray<LayerDescription> Layers { get; init; } public required ImmutableArray<int> EndOfSequence { get; init; } }
internal sealed record LayerDescription { public required AttentionDescription Attention { get; init; } public required MlpDescription Mlp { get; init; } }
internal sealed record AttentionDescription { public required int Heads { get; init; } public required int KeyValueHeads { get; init; } public required int HeadDim { get; init; } public int? Window { get; init; } public required RopeDescription Rope { get; init; } public bool QueryKeyNorm { get; init; } public bool QkvBias { get; init; } public bool OutputBias { get; init; } public required float ScoreScale { get; init; } }
internal enum Activation { Silu }
internal sealed record MlpDescription { public required int IntermediateSize { get; init; } public Activation Activation { get; init; } public bool Bias { get; init; } }
internal sealed record RopeDescription { public required ImmutableArray<float> InverseFrequencies { get; init; } public float AttentionFactor { get; init; } = 1; }
internal enum TargetKind { Linear, Embedding, Head }
internal sealed record TargetModule { public required int Index { get; init; } public required string Name { get; init; } public required TargetKind Kind { get; init; } public required int Layer { get; init; } public required int InFeatures { get; init; } public required int OutFeatures { get; init; } }
