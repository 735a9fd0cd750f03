using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Qwen3ForCausalLM: queries and keys are normed per head before they are rotated; biases only on request.</summary>
internal static class Qwen3Family
{
    private const int DefaultHeadDim = 128;
    private const int DefaultKeyValueHeads = 32;

    public static DecoderFamily Family { get; } = new("Qwen3ForCausalLM", "qwen3", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        bool bias = config.Bool("attention_bias", false);
        return dense.Decoder(
            Family.Architecture,
            QwenWindows.Read(config, dense.Layers)
                .Select(window => dense.Attention(window, queryKeyNorm: true, qkvBias: bias, outputBias: bias)));
    }
}
