using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Ministral3ForCausalLM: Mistral whose queries grow with their position, by the settings beside those of the rotation.
/// </summary>
internal static class Ministral3Family
{
    private const string Rope = "rope_parameters";
    private const string Beta = "llama_4_scaling_beta";
    private const int DefaultHeadDim = 128;
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultContext = 262144;
    private const double DefaultEpsilon = 1e-5;
    private const double Largest = 1e30;

    public static DecoderFamily Family { get; } = new("Ministral3ForCausalLM", "ministral3", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        ConfigObject rope = config.OptionalObject(Rope) ?? throw config.Error(Rope, "is missing; this architecture has no older form");
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { HasQueryScale = true } };
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias");
        int? window = config.OptionalInt("sliding_window", 1, int.MaxValue);
        LayerTypes.RequireAll(config, dense.Layers, sliding: window is not null);
        var scale = new PositionScale(
            (float)rope.Number(Beta, 0, Largest), rope.Int("original_max_position_embeddings", 1, int.MaxValue));
        AttentionBlock attention = dense.Attention(window) with { QueryScale = scale };
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(attention, dense.Layers));
    }
}
