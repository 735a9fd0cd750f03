using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Small attentions and the pages that they keep keys and values in.</summary>
internal static class Layouts
{
    public static GroupedAttention Attention(int heads, int keyValueHeads, int dim, int? window = null) => new()
    {
        Heads = heads,
        KeyValueHeads = keyValueHeads,
        HeadDim = dim,
        Window = window,
        ScoreScale = 1 / MathF.Sqrt(dim),
    };

    /// <summary>The usual rotation of an attention's heads.</summary>
    public static RopeDescription Rope(GroupedAttention attention) =>
        new()
        {
            InverseFrequencies = [.. Enumerable.Range(0, attention.HeadDim / 2)
            .Select(i => MathF.Pow(10000, -2f * i / attention.HeadDim))]
        };

    public static KvLayout For(TensorType type, int pageTokens, params ReadOnlySpan<GroupedAttention> layers) =>
        KvLayout.For([.. layers.ToArray().Select(layer => new KeyValueShape(layer.KeyValueHeads, layer.HeadDim))], type, pageTokens);

    public static DecoderShape Decoder(int vocabulary, params ReadOnlySpan<GroupedAttention> layers) =>
        new(1 << 20, vocabulary, [.. layers]);
}
