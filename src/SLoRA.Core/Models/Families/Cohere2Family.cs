using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Cohere2ForCausalLM: one layer norm, behind which attention and feed-forward block stand side by side; windowed layers rotate adjacent
/// columns, full ones do not rotate; logits are scaled.
/// </summary>
internal static class Cohere2Family
{
    private const int DefaultContext = 8192;
    private const int DefaultWindow = 4096;
    private const int DefaultPattern = 4;
    private const double DefaultLogitScale = 0.0625;
    private const double DefaultEpsilon = 1e-5;
    private const double Largest = 1e30;

    public static DecoderFamily Family { get; } = new("Cohere2ForCausalLM", "cohere2", Describe)
    {
        Reads = ["logit_scale", "sliding_window_pattern"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, context: DefaultContext, epsilonKey: "layer_norm_eps", epsilon: DefaultEpsilon) with
        {
            CenteredNorms = true,
        };
        dense = dense with { RopeLayout = dense.RopeLayout with { AdjacentPairs = true } };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        bool bias = config.Bool("attention_bias", false);
        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        ImmutableArray<bool> slides =
            LayerTypes.Read(config, dense.Layers) ?? LayerTypes.FullEvery(config, dense.Layers, DefaultPattern);
        GatedMlpBlock mlp = dense.Mlp();
        NormModule norm = dense.Norm("input_layernorm");
        return dense.Decoder(
            Family.Architecture,
            slides.Select(slides => new LayerDescription(new Branch(norm, new ParallelBlock(
                dense.Hidden,
                new Branch(null, dense.Attention(slides ? window : null, qkvBias: bias, outputBias: bias) with
                {
                    Rope = slides && window is not null ? dense.Rope : RopeDescription.None,
                }),
                new Branch(null, mlp))))),
            tied: true) with
        {
            LogitMultiplier = (float)(config.OptionalNumber("logit_scale", -Largest, Largest) ?? DefaultLogitScale),
        };
    }
}
