using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>Lfm2MoeForCausalLM: LFM2 with experts behind the first layers, chosen by sigmoid scores and a correction.</summary>
internal static class Lfm2MoeFamily
{
    public static DecoderFamily Family { get; } = new("Lfm2MoeForCausalLM", "lfm2_moe", Describe)
    {
        Reads = ["num_experts", "num_experts_per_tok", "moe_intermediate_size"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = Lfm2Layers.Read(config, ExpertsConfig.Width(config, "intermediate_size", 7168));
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_experts"], experts: 32, chosen: 4);
        var routing = new Routing
        {
            Experts = experts,
            Chosen = chosen,
            Score = RouterScore.Sigmoid,
            Normalise = config.Bool("norm_topk_prob", true),
            SumOffset = 1e-6f,
            Scale = (float)(config.OptionalNumber("routed_scaling_factor", -1e30, 1e30) ?? 1),
        };
        ExpertsBlock sparse = ExpertsConfig.Block(
            dense, routing, ExpertsConfig.Width(config, "moe_intermediate_size", 1792), "feed_forward", parts: ("w1", "w3", "w2")) with
        {
            Correction = config.Bool("use_expert_bias", true) ? new VectorModule("feed_forward.expert_bias", experts) : null,
        };
        int firstSparse = config.OptionalInt("num_dense_layers", 0, int.MaxValue) ?? 2;
        return Lfm2Layers.Decoder(
            dense, Family.Architecture,
            Enumerable.Range(0, dense.Layers).Select(layer => layer < firstSparse ? Lfm2Layers.Mlp(dense) : (Block)sparse));
    }
}
