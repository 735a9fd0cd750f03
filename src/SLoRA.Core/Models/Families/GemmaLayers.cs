using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>What Gemma 2 and 3 share: norms before and behind both blocks, windows on some layers, caps.</summary>
internal static class GemmaLayers
{
    private const int DefaultKeyValueHeads = 4;
    private const int DefaultWindow = 4096;
    private const double DefaultScale = 256;
    private const double LargestCap = 1e30;

    /// <summary>The settings of both.</summary>
    public static DenseConfig Read(ConfigObject config, int context, int? defaultHeads = null, int? defaultVocabulary = null)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headDim: GemmaFamily.HeadDim, keyValueHeads: DefaultKeyValueHeads, context: context,
            activation: "gelu_pytorch_tanh", activationKey: Activations.NewerKey, defaultHeads: defaultHeads,
            defaultVocabulary: defaultVocabulary) with
        {
            NormOffset = 1,
        };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        return dense;
    }

    /// <summary>Attention of a layer, without norms of queries and keys.</summary>
    public static AttentionBlock Attention(DenseConfig dense, bool slides, float? cap)
    {
        ConfigObject config = dense.Config;
        bool bias = config.Bool("attention_bias", false);
        int? window = slides ? Window(config) : null;
        AttentionBlock attention = dense.Attention(window, qkvBias: bias, outputBias: bias);
        double scale = config.OptionalNumber("query_pre_attn_scalar", double.Epsilon, LargestCap) ?? DefaultScale;
        return attention with
        {
            Shape = attention.Shape with { ScoreScale = (float)Math.Pow(scale, -0.5), ScoreCap = cap },
        };
    }

    /// <summary>A cap; null where the file says null or 0, the default where it does not say.</summary>
    public static float? Cap(ConfigObject config, string key, float? otherwise) =>
        !config.Names(key) ? otherwise
        : config.OptionalNumber(key, 0, LargestCap) is { } cap and not 0 ? (float)cap
        : null;

    /// <summary>The decoder of these attentions.</summary>
    public static DecoderDescription Decoder(
        DenseConfig dense, string architecture, ImmutableArray<AttentionBlock> attentions, float? logitCap)
    {
        GatedMlpBlock mlp = dense.Mlp();
        NormModule before = dense.Norm("input_layernorm"), behind = dense.Norm("post_attention_layernorm"),
            beforeMlp = dense.Norm("pre_feedforward_layernorm"), behindMlp = dense.Norm("post_feedforward_layernorm");
        return dense.Decoder(architecture, attentions.Select(attention => new LayerDescription(
            new Branch(before, attention) { NormBehind = behind }, new Branch(beforeMlp, mlp) { NormBehind = behindMlp })), tied: true) with
        {
            EmbeddingMultiplier = MathF.Sqrt(dense.Hidden),
            LogitCap = logitCap,
        };
    }

    private static int? Window(ConfigObject config) =>
        config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
}
