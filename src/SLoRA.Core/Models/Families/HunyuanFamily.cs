using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// HunYuanDenseV1ForCausalLM: Llama with norms of query and key heads behind their rotation, and a rotation whose base <c>alpha</c>
/// changes.
/// </summary>
internal static class HunyuanFamily
{
    private const int DefaultContext = 2048;
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("HunYuanDenseV1ForCausalLM", "hunyuan_v1_dense", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, context: DefaultContext, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { HasAlpha = true } };
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "mlp_bias");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias) with
        {
            QueryKeyNorm = new QueryKeyNorm(dense.NormEpsilon)
            {
                AfterRotation = true,
                QueryName = "self_attn.query_layernorm",
                KeyName = "self_attn.key_layernorm",
            },
        };
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(attention, dense.Layers));
    }
}
