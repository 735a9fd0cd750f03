using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>LlamaForCausalLM: no window, optional biases.</summary>
internal static class LlamaFamily
{
    public static DecoderFamily Family { get; } = new("LlamaForCausalLM", "llama", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, headsDivideHidden: true);
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "use_sliding_window");
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(attention, dense.Layers), mlpBias: config.Bool("mlp_bias", false));
    }
}
