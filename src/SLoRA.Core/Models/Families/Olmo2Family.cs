using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// Olmo2ForCausalLM: norms behind the blocks instead of before them, and queries and keys normed over their whole width.
/// </summary>
internal static class Olmo2Family
{
    private const int DefaultContext = 2048;
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("Olmo2ForCausalLM", "olmo2", Describe);

    /// <summary>What OLMo 2 and 3 share.</summary>
    public static DenseConfig Read(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, context: DefaultContext, epsilon: DefaultEpsilon);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "clip_qkv");
        return dense;
    }

    /// <summary>Attention of a layer.</summary>
    public static AttentionBlock Attention(DenseConfig dense, int? window)
    {
        bool bias = dense.Config.Bool("attention_bias", false);
        return dense.Attention(window, qkvBias: bias, outputBias: bias) with
        {
            QueryKeyNorm = new QueryKeyNorm(dense.NormEpsilon) { WholeWidth = true },
        };
    }

    /// <summary>A layer with norms behind both blocks and none before.</summary>
    public static LayerDescription Layer(DenseConfig dense, AttentionBlock attention, Block mlp) => new(
        new Branch(null, attention) { NormBehind = dense.Norm("post_attention_layernorm") },
        new Branch(null, mlp) { NormBehind = dense.Norm("post_feedforward_layernorm") });

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = Read(config);
        UnservedFeatures.RefuseIfOn(config, "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        LayerDescription layer = Layer(dense, Attention(dense, window: null), dense.Mlp());
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers));
    }
}
