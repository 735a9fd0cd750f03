using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>MixtralForCausalLM: Mistral's attention, experts in every layer, weights that sum to 1.</summary>
internal static class MixtralFamily
{
    private const int DefaultKeyValueHeads = 8;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 1e6;

    public static DecoderFamily Family { get; } = new("MixtralForCausalLM", "mixtral", Describe)
    {
        Reads = ["num_local_experts", "num_experts_per_tok"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { Theta = DefaultTheta } };
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias");
        int? window = config.OptionalInt("sliding_window", 1, int.MaxValue);
        LayerTypes.RequireAll(config, dense.Layers, sliding: window is not null);
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_local_experts"], experts: 8, chosen: 2);
        var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.Softmax, Normalise = true };
        ExpertsBlock block = ExpertsConfig.Block(
            dense, routing, dense.Intermediate, "block_sparse_moe", alias: "mlp", parts: ("w1", "w3", "w2"));
        AttentionBlock attention = dense.Attention(window);
        return dense.Decoder(Family.Architecture, Enumerable.Repeat<(Block, Block)>((attention, block), dense.Layers));
    }
}
