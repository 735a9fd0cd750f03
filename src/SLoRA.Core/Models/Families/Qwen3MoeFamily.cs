using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>Qwen3MoeForCausalLM: Qwen 3's attention, experts in some layers or in all.</summary>
internal static class Qwen3MoeFamily
{
    private const int DefaultKeyValueHeads = 4;
    private const int DefaultWindow = 4096;
    private const int DefaultWidth = 768;

    public static DecoderFamily Family { get; } = new("Qwen3MoeForCausalLM", "qwen3_moe", Describe)
    {
        Reads = ["num_local_experts", "num_experts", "num_experts_per_tok", "moe_intermediate_size"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        bool bias = config.Bool("attention_bias", false);
        int? window = null;
        if (config.Bool("use_sliding_window", false))
        {
            window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        }

        LayerTypes.RequireAll(config, dense.Layers, sliding: window is not null);
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_local_experts", "num_experts"], experts: 128, chosen: 8);
        var routing = new Routing
        {
            Experts = experts,
            Chosen = chosen,
            Score = RouterScore.Softmax,
            Normalise = config.Bool("norm_topk_prob", false),
        };
        ExpertsBlock sparse =
            ExpertsConfig.Block(dense, routing, ExpertsConfig.Width(config, "moe_intermediate_size", DefaultWidth));
        AttentionBlock attention = dense.Attention(window, queryKeyNorm: true, qkvBias: bias, outputBias: bias);
        ImmutableArray<bool> isSparse = ExpertsConfig.SparseLayers(config, dense.Layers);
        return dense.Decoder(
            Family.Architecture, isSparse.Select(experts => ((Block)attention, experts ? sparse : (Block)dense.Mlp())));
    }
}
