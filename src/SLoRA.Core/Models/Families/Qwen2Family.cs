using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Qwen2ForCausalLM: biases on q, k and v always, on o never.</summary>
internal static class Qwen2Family
{
    private const int DefaultKeyValueHeads = 32;

    public static DecoderFamily Family { get; } = new("Qwen2ForCausalLM", "qwen2", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        return dense.Decoder(Family.Architecture, QwenWindows.Read(config, dense.Layers)
            .Select(window => dense.Attention(window, qkvBias: true)));
    }
}
