using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Small decoders whose pages tests use.</summary>
internal static class Layouts
{
    public static AttentionDescription Attention(int heads, int keyValueHeads, int dim, int? window = null) => new()
    {
        Heads = heads,
        KeyValueHeads = keyValueHeads,
        HeadDim = dim,
        Window = window,
        Rope = new RopeDescription { InverseFrequencies = [.. Enumerable.Range(0, dim / 2).Select(i => MathF.Pow(10000, -2f * i / dim))] },
        ScoreScale = 1 / MathF.Sqrt(dim),
    };

    public static KvLayout For(TensorType type, int pageTokens, params ReadOnlySpan<AttentionDescription> layers) =>
        KvLayout.For(Decoder(type, layers), type, pageTokens);

    public static DecoderDescription Decoder(TensorType type, params ReadOnlySpan<AttentionDescription> layers) => Decoder(1, type, layers);

    public static DecoderDescription Decoder(int vocabulary, TensorType type, params ReadOnlySpan<AttentionDescription> layers) => new()
    {
        Architecture = "test",
        VocabularySize = vocabulary,
        HiddenSize = 1,
        ContextLength = 1 << 20,
        NormEpsilon = 1e-5f,
        TiedEmbeddings = false,
        WeightType = type,
        Layers = [.. layers.ToArray().Select(layer => new LayerDescription { Attention = layer, Mlp = new MlpDescription { IntermediateSize = 1 } })],
        EndOfSequence = ImmutableArray<int>.Empty,
    };
}
