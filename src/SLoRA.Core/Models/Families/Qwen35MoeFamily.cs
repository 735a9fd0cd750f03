using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>Qwen3_5MoeForCausalLM: Qwen3.5 with experts in every layer, beside a shared one with a weight of its own.</summary>
internal static class Qwen35MoeFamily
{
    private const int DefaultKeyValueHeads = 2;
    private const int DefaultWidth = 512;

    public static DecoderFamily Family { get; } = new("Qwen3_5MoeForCausalLM", "qwen3_5_moe_text", Describe)
    {
        Reads = [.. DeltaNetConfig.Reads, "num_experts", "num_experts_per_tok", "moe_intermediate_size"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        int width = ExpertsConfig.Width(config, "moe_intermediate_size", DefaultWidth);
        DenseConfig dense = DeltaNetConfig.Read(config, DefaultKeyValueHeads, intermediate: width);
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_experts"], experts: 256, chosen: 8);
        var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.Softmax, Normalise = true };
        ExpertsBlock block = Qwen2MoeFamily.WithShared(ExpertsConfig.Block(dense, routing, width), dense, DefaultWidth);
        block = block with
        {
            GateUp = block.GateUp with { Storage = ExpertStorage.Stacked, MayBeApart = true },
            Down = block.Down with { Storage = ExpertStorage.Stacked, MayBeApart = true },
        };
        return DeltaNetConfig.Decoder(
            dense, Family.Architecture, isGrouped: false, Enumerable.Repeat<Block>(block, dense.Layers));
    }
}
