using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// GraniteMoeHybridForCausalLM (Granite 4): Mamba-2 or attention in each layer, then a shared feed-forward block with experts beside it if
/// there are any, Granite's four multipliers, and no rotation unless the file asks for one.
/// </summary>
internal static class GraniteHybridFamily
{
    private const int DefaultContext = 2048;
    private const int DefaultSharedWidth = 1024;
    private const int DefaultWidth = 11008;

    public static DecoderFamily Family { get; } = new("GraniteMoeHybridForCausalLM", "granitemoehybrid", Describe)
    {
        Reads = [.. GraniteFamily.Multipliers, "num_local_experts", "num_experts_per_tok"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headsDivideHidden: true, context: DefaultContext,
            intermediate: ExpertsConfig.Width(config, "intermediate_size", DefaultWidth));
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "mlp_bias");
        dense = Rotates(config) ? dense : dense with { Rope = RopeDescription.None };
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        attention = attention with
        {
            Shape = attention.Shape with { ScoreScale = GraniteFamily.Multiplier(config, "attention_multiplier") },
        };
        MambaBlock? mamba = null;
        Block behind = Behind(config, dense);
        float residual = GraniteFamily.Multiplier(config, "residual_multiplier");
        NormModule before = dense.Norm("input_layernorm"), beforeBehind = dense.Norm("post_attention_layernorm");
        return GraniteFamily.WithMultipliers(config, dense.Decoder(
            Family.Architecture,
            AttendingLayers(config, dense.Layers).Select(attends => new LayerDescription(
                new Branch(before, attends ? attention : mamba ??= Mamba(dense)) { Multiplier = residual },
                new Branch(beforeBehind, behind) { Multiplier = residual }))));
    }

    private static MambaBlock Mamba(DenseConfig dense) =>
        MambaConfig.Read(dense, MambaConfig.Expanded(dense)) with { NormEpsilon = dense.NormEpsilon };

    private static Block Behind(ConfigObject config, DenseConfig dense)
    {
        const string Experts = "num_local_experts";
        GatedMlpBlock shared = dense.Mlp() with
        {
            Name = "shared_mlp",
            IntermediateSize = ExpertsConfig.Width(config, "shared_intermediate_size", DefaultSharedWidth),
            FusedName = "input_linear",
            PartNames = ("", "", "output_linear"),
        };
        if (config.IsNumber(Experts, 0))
        {
            return shared;
        }

        (int experts, int chosen) = ExpertsConfig.Read(config, [Experts], experts: 8, chosen: 2);
        var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.SoftmaxOfChosen };
        ExpertsBlock block = ExpertsConfig.Block(dense, routing, dense.Intermediate, "block_sparse_moe", "router.layer");
        return block with
        {
            GateUp = block.GateUp with { Storage = ExpertStorage.Stacked, StoredAs = "block_sparse_moe.input_linear.weight" },
            Down = block.Down with { Storage = ExpertStorage.Stacked, StoredAs = "block_sparse_moe.output_linear.weight" },
            Shared = shared,
        };
    }

    private static bool Rotates(ConfigObject config)
    {
        const string Key = "position_embedding_type";
        return config.OptionalString(Key) switch
        {
            null or "nope" => false,
            "rope" => true,
            string other => throw config.Refusal(Key, $"is {Shown.Name(other)}; served are 'rope' and 'nope'"),
        };
    }

    private static ImmutableArray<bool> AttendingLayers(ConfigObject config, int layers)
    {
        string key = config.Has("layer_types") ? "layer_types" : "layers_block_type";
        if (config.OptionalStrings(key) is not { } types)
        {
            return [.. Enumerable.Repeat(false, layers)];
        }

        return types.Length != layers
            ? throw config.Error(key, $"has {types.Length} entries, num_hidden_layers is {layers}")
            :
            [
                .. types.Select(type => type switch
                {
                    "attention" or "full_attention" => true,
                    "mamba" or "linear_attention" => false,
                    _ => throw config.Refusal(key, $"has {Shown.Name(type)}; served are 'mamba' and 'attention'"),
                }),
            ];
    }
}
