using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// ApertusForCausalLM: norms of query and key heads, and a feed-forward block without a gate whose function, xIELU, has trained constants.
/// </summary>
internal static class ApertusFamily
{
    private const int DefaultContext = 65536;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 12e6;

    public static DecoderFamily Family { get; } = new("ApertusForCausalLM", "apertus", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, context: DefaultContext, epsilon: DefaultEpsilon, activation: "xielu");
        dense = dense with { RopeLayout = dense.RopeLayout with { Theta = DefaultTheta } };
        if (!config.Has("rope_scaling") && !config.Has("rope_parameters") && !config.Names("rope_scaling"))
        {
            dense = dense with { Rope = DefaultRope(config, dense.HeadDim) };
        }

        UnservedFeatures.RefuseIfOn(config, "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("attention_bias", false);
        var mlp = new PlainMlpBlock
        {
            HiddenSize = dense.Hidden,
            IntermediateSize = dense.Intermediate,
            Function = dense.Gate is null && config.OptionalString(Activations.Key) is null or "xielu"
                ? null
                : Activations.ReadPlain(config, "xielu"),
            Bias = config.Bool("mlp_bias", false),
        };
        var layer = new LayerDescription(
            new Branch(dense.Norm("attention_layernorm"), dense.Attention(queryKeyNorm: true, qkvBias: bias, outputBias: bias)),
            new Branch(dense.Norm("feedforward_layernorm"), mlp));
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers));
    }

    /// <summary>What a file without any settings of a rotation means.</summary>
    private static RopeDescription DefaultRope(ConfigObject config, int headDim) => new()
    {
        InverseFrequencies = RopeFrequencies.Llama3(
            config.OptionalNumber("rope_theta", double.Epsilon, 1e30) ?? DefaultTheta, headDim, factor: 8, lowFactor: 1, highFactor: 4,
            originalLength: 8192),
    };
}
