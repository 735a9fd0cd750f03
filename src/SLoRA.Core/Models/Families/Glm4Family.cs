using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// Glm4ForCausalLM: norms before and behind both blocks, one projection to gate and up, and a rotation of adjacent columns of the first
/// half of a head.
/// </summary>
internal static class Glm4Family
{
    private const int DefaultHeadDim = 128;
    private const int DefaultKeyValueHeads = 2;
    private const int DefaultContext = 131072;
    private const double DefaultEpsilon = 1.5625e-7;

    public static DecoderFamily Family { get; } = new("Glm4ForCausalLM", "glm4", Describe) { Reads = ["partial_rotary_factor"] };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { IsPartial = true, Share = 0.5, AdjacentPairs = true } };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        AttentionBlock attention = dense.Attention(qkvBias: config.Bool("attention_bias", true));
        GatedMlpBlock mlp = dense.Mlp() with { FusedName = "gate_up_proj" };
        var layer = new LayerDescription(
            new Branch(dense.Norm("input_layernorm"), attention) { NormBehind = dense.Norm("post_self_attn_layernorm") },
            new Branch(dense.Norm("post_attention_layernorm"), mlp) { NormBehind = dense.Norm("post_mlp_layernorm") });
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers));
    }
}
