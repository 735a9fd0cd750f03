using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Glm4MoeLiteForCausalLM: DeepSeek-V3's attention and experts, dense layers by <c>mlp_layer_types</c>.</summary>
internal static class Glm4MoeLiteFamily
{
    private const string LayerKinds = "mlp_layer_types";

    public static DecoderFamily Family { get; } = new("Glm4MoeLiteForCausalLM", "glm4_moe_lite", Describe)
    {
        Reads = [.. LatentConfig.Reads, .. SharedExpertsConfig.Reads],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = LatentConfig.Read(config);
        LatentAttentionBlock attention = LatentConfig.Block(dense, queryLatent: 768);
        ExpertsBlock sparse = SharedExpertsConfig.Block(
            dense, experts: 64, chosen: 4, width: 1536, groups: 1, chosenGroups: 1, scale: 1.8, shared: 1);
        ImmutableArray<bool> isDense = DenseLayers(config, dense.Layers);
        return dense.Decoder(Family.Architecture, isDense.Select(isDense =>
            ((Block)attention, isDense ? (Block)dense.Mlp() : sparse))) with
        { LeavesLaterLayersOut = true };
    }

    private static ImmutableArray<bool> DenseLayers(ConfigObject config, int layers)
    {
        if (config.OptionalStrings(LayerKinds) is not { } kinds)
        {
            return [.. Enumerable.Range(0, layers).Select(layer => layer == 0)];
        }

        if (kinds.Length != layers)
        {
            throw config.Error(LayerKinds, $"has {kinds.Length} entries, num_hidden_layers is {layers}");
        }

        return
        [
            .. kinds.Select(kind => kind switch
            {
                "dense" => true,
                "sparse" => false,
                _ => throw config.Refusal(LayerKinds, $"has {Shown.Name(kind)}; served are 'dense' and 'sparse'"),
            }),
        ];
    }
}
