using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>SeedOssForCausalLM: Llama with a head size of its own and biases on q, k and v.</summary>
internal static class SeedOssFamily
{
    private const int DefaultHeadDim = 128;
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultContext = 524288;

    public static DecoderFamily Family { get; } = new("SeedOssForCausalLM", "seed_oss", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext);
        UnservedFeatures.RefuseIfOn(config, "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        AttentionBlock attention = dense.Attention(
            qkvBias: config.Bool("attention_bias", true), outputBias: config.Bool("attention_out_bias", false));
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(attention, dense.Layers), mlpBias: config.Bool("mlp_bias", false));
    }
}
