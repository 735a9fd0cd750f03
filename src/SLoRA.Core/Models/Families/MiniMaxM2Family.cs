using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// MiniMaxM2ForCausalLM: experts in every layer by sigmoid scores and a correction; queries and keys normed over their whole width, of
/// which a part of each head rotates.
/// </summary>
internal static class MiniMaxM2Family
{
    private const int DefaultKeyValueHeads = 8;
    private const double DefaultTheta = 5e6;

    public static DecoderFamily Family { get; } = new("MiniMaxM2ForCausalLM", "minimax_m2", Describe)
    {
        Reads = ["num_local_experts", "num_experts_per_tok", "use_qk_norm", "partial_rotary_factor"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "attention_bias", "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        if (!config.Bool("use_qk_norm", true))
        {
            throw config.Refusal("use_qk_norm", "is false, which is not served");
        }

        dense = dense with
        {
            RopeLayout = config.OptionalInt("rotary_dim", 2, dense.HeadDim) is { } columns
                ? dense.RopeLayout with { HeadDim = columns, Theta = DefaultTheta }
                : dense.RopeLayout with { IsPartial = true, Theta = DefaultTheta },
        };
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_local_experts"], experts: 256, chosen: 8);
        var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.Sigmoid, Normalise = true };
        ExpertsBlock block = ExpertsConfig.Block(
            dense, routing, dense.Intermediate, "block_sparse_moe", alias: "mlp", parts: ("w1", "w3", "w2")) with
        {
            Correction = new VectorModule("block_sparse_moe.e_score_correction_bias", experts),
        };
        AttentionBlock attention = dense.Attention() with { QueryKeyNorm = new QueryKeyNorm(dense.NormEpsilon) { WholeWidth = true } };
        return dense.Decoder(Family.Architecture, Enumerable.Repeat<(Block, Block)>((attention, block), dense.Layers)) with
        {
            LeavesLaterLayersOut = true,
        };
    }
}
