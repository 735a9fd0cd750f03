using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Experts as DeepSeek-V3 and its descendants have them: sigmoid scores, a correction for the choice alone, groups, and shared experts that
/// are added as they are.
/// </summary>
internal static class SharedExpertsConfig
{
    private const int MostShared = 1024;
    private const int MostGroups = 256;

    /// <summary>Keys of <see cref="UnservedFeatures"/> that this honours.</summary>
    public static readonly string[] Reads = ["n_routed_experts", "num_local_experts", "num_experts_per_tok", "moe_intermediate_size"];

    /// <summary>Reads the block; the numbers are those of a file that does not say.</summary>
    public static ExpertsBlock Block(
        DenseConfig dense, int experts, int chosen, int width, int groups, int chosenGroups, double scale, int shared)
    {
        ConfigObject config = dense.Config;
        Routing routing = Route(config, experts, chosen, groups, chosenGroups, scale);
        int intermediate = ExpertsConfig.Width(config, "moe_intermediate_size", width);
        int sharedCount = config.OptionalInt("n_shared_experts", 0, MostShared) ?? shared;
        return ExpertsConfig.Block(dense, routing, intermediate) with
        {
            Correction = new VectorModule("mlp.gate.e_score_correction_bias", routing.Experts),
            Shared = sharedCount == 0
                ? null
                : dense.Mlp() with { Name = "mlp.shared_experts", IntermediateSize = sharedCount * intermediate },
        };
    }

    /// <summary>Reads how rows choose; the numbers are those of a file that does not say.</summary>
    public static Routing Route(ConfigObject config, int experts, int chosen, int groups, int chosenGroups, double scale)
    {
        (int all, int some) = ExpertsConfig.Read(config, ["n_routed_experts", "num_local_experts"], experts, chosen);
        int parts = config.OptionalInt("n_group", 1, MostGroups) ?? groups;
        if (all % parts != 0)
        {
            throw config.Error("n_group", $"is {parts}, which does not divide the {all} experts");
        }

        int chosenParts = config.OptionalInt("topk_group", 1, MostGroups) ?? chosenGroups;
        if (chosenParts > parts || all / parts * chosenParts < some)
        {
            throw config.Error("topk_group", $"is {chosenParts} of {parts} groups, which do not hold {some} experts to choose");
        }

        return new Routing
        {
            Experts = all,
            Chosen = some,
            Score = RouterScore.Sigmoid,
            Normalise = config.Bool("norm_topk_prob", true),
            SumOffset = 1e-20f,
            Scale = (float)(config.OptionalNumber("routed_scaling_factor", -1e30, 1e30) ?? scale),
            Groups = parts,
            ChosenGroups = chosenParts,
        };
    }
}
