using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// Phi3ForCausalLM, Phi-4-mini too: one projection to q, k and v, one to gate and up, a window on all layers if there is one, partial
/// rotation, and other frequencies for long sequences (<c>longrope</c>).
/// </summary>
internal static class Phi3Family
{
    private const int DefaultContext = 4096;
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("Phi3ForCausalLM", "phi3", Describe) { Reads = ["partial_rotary_factor"] };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, context: DefaultContext, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { IsPartial = true, HasLongRope = true } };
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias");
        int? window = config.OptionalInt("sliding_window", 1, int.MaxValue);
        LayerTypes.RequireAll(config, dense.Layers, sliding: window is not null);
        AttentionBlock attention = dense.Attention(window) with { FusedName = "self_attn.qkv_proj" };
        GatedMlpBlock mlp = dense.Mlp() with { FusedName = "gate_up_proj" };
        return dense.Decoder(Family.Architecture, Enumerable.Repeat((attention, (Block)mlp), dense.Layers));
    }
}
