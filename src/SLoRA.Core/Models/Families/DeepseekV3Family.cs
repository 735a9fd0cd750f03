using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>DeepseekV3ForCausalLM: attention over a latent, experts chosen by groups beside shared ones, the first layers dense.</summary>
internal static class DeepseekV3Family
{
    public static DecoderFamily Family { get; } = new("DeepseekV3ForCausalLM", "deepseek_v3", Describe)
    {
        Reads = [.. LatentConfig.Reads, .. SharedExpertsConfig.Reads],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = LatentConfig.Read(config);
        LatentAttentionBlock attention = LatentConfig.Block(dense);
        ExpertsBlock sparse = SharedExpertsConfig.Block(
            dense, experts: 256, chosen: 8, width: 2048, groups: 8, chosenGroups: 4, scale: 2.5, shared: 1);
        int firstSparse = config.OptionalInt("first_k_dense_replace", 0, int.MaxValue) ?? 3;
        return dense.Decoder(Family.Architecture, Enumerable.Range(0, dense.Layers).Select(layer =>
            ((Block)attention, layer < firstSparse ? (Block)dense.Mlp() : sparse))) with
        { LeavesLaterLayersOut = true };
    }
}
