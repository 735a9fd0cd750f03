using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>OlmoeForCausalLM: experts in every layer; queries and keys normed over their whole width.</summary>
internal static class OlmoeFamily
{
    private const double DefaultEpsilon = 1e-5;

    public static DecoderFamily Family { get; } = new("OlmoeForCausalLM", "olmoe", Describe)
    {
        Reads = ["num_experts", "num_experts_per_tok", "clip_qkv"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, epsilon: DefaultEpsilon);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool("attention_bias", false);
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_experts"], experts: 64, chosen: 8);
        var routing = new Routing
        {
            Experts = experts,
            Chosen = chosen,
            Score = RouterScore.Softmax,
            Normalise = config.Bool("norm_topk_prob", false),
        };
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias) with
        {
            QueryKeyNorm = new QueryKeyNorm(dense.NormEpsilon) { WholeWidth = true },
            Limit = (float?)config.OptionalNumber("clip_qkv", double.Epsilon, 1e30),
        };
        ExpertsBlock block = ExpertsConfig.Block(dense, routing, dense.Intermediate);
        return dense.Decoder(Family.Architecture, Enumerable.Repeat<(Block, Block)>((attention, block), dense.Layers));
    }
}
