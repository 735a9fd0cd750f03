using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Qwen3NextForCausalLM: gated delta nets with two projections whose rows go by key head, gated attention, experts in some layers or in
/// all, beside a shared one with a weight of its own.
/// </summary>
internal static class Qwen3NextFamily
{
    private const int DefaultKeyValueHeads = 2;
    private const int DefaultIntermediate = 5632;
    private const int DefaultWidth = 512;

    public static DecoderFamily Family { get; } = new("Qwen3NextForCausalLM", "qwen3_next", Describe)
    {
        Reads = [.. DeltaNetConfig.Reads, "num_experts", "num_experts_per_tok", "moe_intermediate_size"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DeltaNetConfig.Read(
            config, DefaultKeyValueHeads, ExpertsConfig.Width(config, "intermediate_size", DefaultIntermediate));
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_experts"], experts: 512, chosen: 10);
        var routing = new Routing
        {
            Experts = experts,
            Chosen = chosen,
            Score = RouterScore.Softmax,
            Normalise = config.Bool("norm_topk_prob", true),
        };
        int width = ExpertsConfig.Width(config, "moe_intermediate_size", DefaultWidth);
        ExpertsBlock sparse = Qwen2MoeFamily.WithShared(ExpertsConfig.Block(dense, routing, width), dense, DefaultWidth);
        return DeltaNetConfig.Decoder(
            dense, Family.Architecture, isGrouped: true,
            ExpertsConfig.SparseLayers(config, dense.Layers).Select(isSparse => isSparse ? sparse : (Block)dense.Mlp()));
    }
}
