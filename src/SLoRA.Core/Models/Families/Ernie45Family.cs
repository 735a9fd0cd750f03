using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Ernie4_5ForCausalLM: Llama that rotates adjacent columns, with biases on every product but the head on request.</summary>
internal static class Ernie45Family
{
    private const int DefaultHeadDim = 128;
    private const int DefaultKeyValueHeads = 4;
    private const int DefaultContext = 131072;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 5e5;

    public static DecoderFamily Family { get; } = new("Ernie4_5ForCausalLM", "ernie4_5", Describe) { Reads = ["use_bias"] };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { AdjacentPairs = true, Theta = DefaultTheta } };
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "attention_bias", "mlp_bias");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("use_bias", false);
        var layer = new LayerDescription(
            new Branch(dense.Norm("input_layernorm"), dense.Attention(qkvBias: bias, outputBias: bias)),
            new Branch(dense.Norm("post_attention_layernorm"), dense.Mlp() with { Bias = bias }));
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers), tied: true);
    }
}
