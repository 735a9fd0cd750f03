using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>MistralForCausalLM: one window on all layers, or none; no biases.</summary>
internal static class MistralFamily
{
    // What a file without the key means; null in the file means no window.
    private const int DefaultWindow = 4096;
    private const int DefaultKeyValueHeads = 8;

    public static DecoderFamily Family { get; } = new("MistralForCausalLM", "mistral", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads);
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias");
        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        LayerTypes.RequireAll(config, dense.Layers, sliding: window is not null);
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(dense.Attention(window), dense.Layers));
    }
}
