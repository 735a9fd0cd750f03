using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Glm4MoeForCausalLM: DeepSeek-V3's experts behind plain attention, of which a part of each head rotates.</summary>
internal static class Glm4MoeFamily
{
    private const int DefaultKeyValueHeads = 8;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultShare = 0.5;

    public static DecoderFamily Family { get; } = new("Glm4MoeForCausalLM", "glm4_moe", Describe)
    {
        Reads = [.. SharedExpertsConfig.Reads, "use_qk_norm", "partial_rotary_factor"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, keyValueHeads: DefaultKeyValueHeads, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { IsPartial = true, Share = DefaultShare } };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "sliding_window");
        LayerTypes.RequireAll(config, dense.Layers, sliding: false);
        AttentionBlock attention = dense.Attention(
            queryKeyNorm: config.Bool("use_qk_norm", false), qkvBias: config.Bool("attention_bias", false));
        ExpertsBlock sparse = SharedExpertsConfig.Block(
            dense, experts: 128, chosen: 8, width: 1408, groups: 1, chosenGroups: 1, scale: 1, shared: 1);
        int firstSparse = config.OptionalInt("first_k_dense_replace", 0, int.MaxValue) ?? 1;
        return dense.Decoder(Family.Architecture, Enumerable.Range(0, dense.Layers).Select(layer =>
            ((Block)attention, layer < firstSparse ? (Block)dense.Mlp() : sparse))) with
        { LeavesLaterLayersOut = true };
    }
}
