using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>
/// Starcoder2ForCausalLM: layer norms with biases, a feed-forward block without a gate, biases everywhere, a window on all layers if there
/// is one.
/// </summary>
internal static class Starcoder2Family
{
    private const int DefaultKeyValueHeads = 2;
    private const int DefaultContext = 4096;
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("Starcoder2ForCausalLM", "starcoder2", Describe) { Reads = ["use_bias"] };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilonKey: "norm_epsilon", epsilon: DefaultEpsilon) with
        {
            CenteredNorms = true,
            NormBias = true,
        };
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias");
        bool bias = config.Bool("use_bias", true);
        int? window = config.OptionalInt("sliding_window", 1, int.MaxValue);
        LayerTypes.RequireAll(config, dense.Layers, sliding: window is not null);
        var mlp = new PlainMlpBlock
        {
            HiddenSize = dense.Hidden,
            IntermediateSize = dense.Intermediate,
            Function = Activations.ReadPlain(config, "gelu_pytorch_tanh"),
            Bias = bias,
            UpName = "mlp.c_fc",
            DownName = "mlp.c_proj",
        };
        var layer = new LayerDescription(
            new Branch(dense.Norm("input_layernorm"), dense.Attention(window, qkvBias: bias, outputBias: bias)),
            new Branch(dense.Norm("post_attention_layernorm"), mlp));
        return dense.Decoder(Family.Architecture, Enumerable.Repeat(layer, dense.Layers), tied: true);
    }
}
