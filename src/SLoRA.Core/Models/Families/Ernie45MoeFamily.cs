using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Ernie4_5_MoeForCausalLM: ERNIE 4.5 with experts in some layers, chosen by softmax and a correction, beside shared ones, and with biases
/// on every product but the router on request.
/// </summary>
internal static class Ernie45MoeFamily
{
    private const int DefaultKeyValueHeads = 4;
    private const int DefaultContext = 131072;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 5e5;
    private const int MostShared = 1024;
    private const string Biased = "use_bias";

    public static DecoderFamily Family { get; } = new("Ernie4_5_MoeForCausalLM", "ernie4_5_moe", Describe)
    {
        Reads = ["moe_intermediate_size", Biased],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { AdjacentPairs = true, Theta = DefaultTheta } };
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "attention_bias", "mlp_bias");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        bool bias = config.Bool(Biased, false);
        GatedMlpBlock mlp = dense.Mlp() with { Bias = bias };
        ExpertsBlock sparse = Experts(config, dense, mlp);
        int first = config.OptionalInt("moe_layer_start_index", 0, int.MaxValue) ?? 1;
        int last = config.OptionalInt("moe_layer_end_index", -1, int.MaxValue) ?? -1;
        int interval = config.OptionalInt("moe_layer_interval", 1, int.MaxValue) ?? 1;
        last = last < 0 ? dense.Layers - 1 : last;
        NormModule attentionNorm = dense.Norm("input_layernorm"), blockNorm = dense.Norm("post_attention_layernorm");
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        return dense.Decoder(
            Family.Architecture,
            Enumerable.Range(0, dense.Layers).Select(layer => new LayerDescription(
                new Branch(attentionNorm, attention),
                new Branch(
                    blockNorm,
                    layer >= first && layer <= last && (layer + 1) % interval == 0 ? sparse : mlp))),
            tied: true) with
        {
            HeadBias = bias,
        };
    }

    private static ExpertsBlock Experts(ConfigObject config, DenseConfig dense, GatedMlpBlock mlp)
    {
        (int experts, int chosen) = ExpertsConfig.Read(config, ["moe_num_experts"], experts: 64, chosen: 6, "moe_k");
        var routing = new Routing
        {
            Experts = experts,
            Chosen = chosen,
            Score = RouterScore.Softmax,
            Normalise = true,
            SumFloor = (float)(config.OptionalNumber("moe_norm_min", 0, 1) ?? 1e-12),
        };
        int width = ExpertsConfig.Width(config, "moe_intermediate_size", 1536);
        int shared = config.OptionalInt("moe_num_shared_experts", 0, MostShared) ?? 2;
        ExpertsBlock block = ExpertsConfig.Block(dense, routing, width);
        return block with
        {
            GateUp = block.GateUp with { HasBias = mlp.Bias },
            Down = block.Down with { HasBias = mlp.Bias },
            Correction = new VectorModule("mlp.moe_statics.e_score_correction_bias", 1, experts),
            Shared = shared == 0 ? null : mlp with { Name = "mlp.shared_experts", IntermediateSize = shared * width },
        };
    }
}
