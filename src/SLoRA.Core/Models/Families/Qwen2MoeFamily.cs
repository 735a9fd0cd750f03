using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Qwen2MoeForCausalLM: Qwen 2's attention, experts in some layers or in all, beside a shared one with a weight of its own.
/// </summary>
internal static class Qwen2MoeFamily
{
    private const int DefaultKeyValueHeads = 16;
    private const int DefaultWidth = 1408;
    private const int DefaultSharedWidth = 5632;
    private const int DefaultWindow = 4096;
    private const int DefaultFirstFullLayer = 28;

    public static DecoderFamily Family { get; } = new("Qwen2MoeForCausalLM", "qwen2_moe", Describe)
    {
        Reads = ["num_experts", "num_experts_per_tok", "moe_intermediate_size"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        bool bias = config.Bool("qkv_bias", true);
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_experts"], experts: 60, chosen: 4);
        var routing = new Routing
        {
            Experts = experts,
            Chosen = chosen,
            Score = RouterScore.Softmax,
            Normalise = config.Bool("norm_topk_prob", false),
        };
        ExpertsBlock sparse = WithShared(
            ExpertsConfig.Block(dense, routing, ExpertsConfig.Width(config, "moe_intermediate_size", DefaultWidth)), dense,
            DefaultSharedWidth);
        ImmutableArray<bool> isSparse = ExpertsConfig.SparseLayers(config, dense.Layers);
        return dense.Decoder(
            Family.Architecture,
            Windows(config, dense.Layers).Select((window, layer) =>
                ((Block)dense.Attention(window, qkvBias: bias), isSparse[layer] ? sparse : (Block)dense.Mlp())));
    }

    /// <summary>The experts beside a shared one with a weight of its own.</summary>
    public static ExpertsBlock WithShared(ExpertsBlock experts, DenseConfig dense, int defaultWidth) => experts with
    {
        Shared = dense.Mlp() with
        {
            Name = "mlp.shared_expert",
            IntermediateSize = ExpertsConfig.Width(dense.Config, "shared_expert_intermediate_size", defaultWidth),
        },
        SharedGate = new LinearModule("mlp.shared_expert_gate", 1, dense.Hidden),
    };

    /// <summary>The window of each layer. Without layer_types it is on every other layer below the first that is always full.</summary>
    private static IEnumerable<int?> Windows(ConfigObject config, int layers)
    {
        if (!config.Bool("use_sliding_window", false))
        {
            LayerTypes.RequireAll(config, layers, sliding: false);
            return Enumerable.Repeat<int?>(null, layers);
        }

        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        int firstFull = config.OptionalInt("max_window_layers", 0, int.MaxValue) ?? DefaultFirstFullLayer;
        ImmutableArray<bool>? types = LayerTypes.Read(config, layers);
        return Enumerable.Range(0, layers)
            .Select(layer => types?[layer] ?? (layer % 2 == 0 && layer < firstFull) ? window : null);
    }
}
