using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// NemotronForCausalLM: layer norms of 1 + w with biases, a feed-forward block without a gate, squared ReLU, partial rotation.
/// </summary>
internal static class NemotronFamily
{
    private const int DefaultContext = 4096;
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("NemotronForCausalLM", "nemotron", Describe)
    {
        Reads = ["partial_rotary_factor"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, context: DefaultContext, epsilonKey: "norm_eps", epsilon: DefaultEpsilon, activation: "relu2") with
        {
            CenteredNorms = true,
            NormBias = true,
            NormOffset = 1,
        };
        dense = dense with { RopeLayout = dense.RopeLayout with { IsPartial = true, Share = 0.5 } };
        UnservedFeatures.RefuseIfOn(config, "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("attention_bias", false);
        var mlp = new PlainMlpBlock
        {
            HiddenSize = dense.Hidden,
            IntermediateSize = dense.Intermediate,
            Function = Activations.ReadPlain(config, "relu2"),
            Bias = config.Bool("mlp_bias", false),
        };
        var layer = new LayerDescription(
            new Branch(dense.Norm("input_layernorm"), dense.Attention(qkvBias: bias, outputBias: bias)),
            new Branch(dense.Norm("post_attention_layernorm"), mlp));
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers));
    }
}
