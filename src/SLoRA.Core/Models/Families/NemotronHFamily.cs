using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// NemotronHForCausalLM (Nemotron 3): every layer has one block, which is Mamba-2, attention without rotation, or squared ReLU without a
/// gate, as a feed-forward block or as experts beside a shared one.
/// </summary>
internal static class NemotronHFamily
{
    private const string Name = "mixer";
    private const string Pattern = "hybrid_override_pattern";
    private const int DefaultHeadDim = 128;
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultContext = 4096;
    private const int DefaultWidth = 21504;
    private const int DefaultExpertWidth = 7688;
    private const double DefaultEpsilon = 1e-5;
    private const int MostHeads = 1 << 14;
    private const int WidestHead = 1 << 14;
    private const int WidestLatent = 1 << 24;
    private const int LongestKernel = 1 << 10;

    public static DecoderFamily Family { get; } = new("NemotronHForCausalLM", "nemotron_h", Describe)
    {
        Reads = [.. SharedExpertsConfig.Reads, "use_bias"],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        ImmutableArray<char> kinds = Kinds(config);
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext,
            epsilonKey: "layer_norm_epsilon", epsilon: DefaultEpsilon,
            intermediate: ExpertsConfig.Width(config, "intermediate_size", DefaultWidth), layerCount: kinds.Length) with
        {
            Rope = RopeDescription.None,
        };
        UnservedFeatures.RefuseIfOn(config, "sliding_window", "mamba_proj_bias");
        ElementFunction function = Activations.ReadPlain(config, "relu2", "mlp_hidden_act");
        Dictionary<char, Block> blocks = kinds.Distinct().ToDictionary(kind => kind, kind => kind switch
        {
            'M' => Mamba(config, dense),
            '*' => Attention(config, dense),
            'E' => Experts(config, dense, function),
            _ => Mlp(dense, function, Name, dense.Intermediate),
        });
        NormModule norm = dense.Norm("norm");
        return dense.Decoder(Family.Architecture, kinds.Select(kind => new LayerDescription(new Branch(norm, blocks[kind])))) with
        {
            Body = "backbone.",
            OtherBody = "model.",
            EmbeddingName = "embeddings",
            FinalNorm = dense.Norm("norm_f"),
            LeavesOut = "mtp.",
        };
    }

    private static Block Attention(ConfigObject config, DenseConfig dense)
    {
        bool bias = config.Bool("attention_bias", false);
        return dense.Attention(qkvBias: bias, outputBias: bias) with { Name = Name };
    }

    private static Block Mamba(ConfigObject config, DenseConfig dense)
    {
        if (config.OptionalString("mamba_hidden_act") is { } function and not ("silu" or "swish"))
        {
            throw config.Refusal("mamba_hidden_act", $"is {Shown.Name(function)}, only 'silu' is served");
        }

        MambaBlock block = MambaConfig.Block(
            config, dense.Hidden,
            config.OptionalInt("mamba_num_heads", 1, MostHeads) ?? 128, config.OptionalInt("mamba_head_dim", 1, WidestHead) ?? 64,
            config.OptionalInt("ssm_state_size", 1, Recurrence.MostKeyColumns) ?? 128,
            ("n_groups", config.OptionalInt("n_groups", 1, MostHeads) ?? 8), config.OptionalInt("conv_kernel", 2, LongestKernel) ?? 4);
        bool bias = config.Bool("use_bias", false);
        return block with
        {
            Name = Name,
            ConvolutionBias = config.Bool("use_conv_bias", true),
            InputBias = bias,
            OutputBias = bias,
            NormEpsilon = dense.NormEpsilon,
        };
    }

    private static PlainMlpBlock Mlp(DenseConfig dense, ElementFunction function, string name, int width) => new()
    {
        HiddenSize = dense.Hidden,
        IntermediateSize = width,
        Function = function,
        Bias = dense.Config.Bool("mlp_bias", false),
        UpName = $"{name}.up_proj",
        DownName = $"{name}.down_proj",
    };

    private static Block Experts(ConfigObject config, DenseConfig dense, ElementFunction function)
    {
        bool bias = config.Bool("mlp_bias", false);
        Routing routing = SharedExpertsConfig.Route(config, experts: 8, chosen: 2, groups: 1, chosenGroups: 1, scale: 1);
        int width = ExpertsConfig.Width(config, "moe_intermediate_size", DefaultExpertWidth);
        int? latent = config.OptionalInt("moe_latent_size", 1, WidestLatent);
        int inputs = latent ?? dense.Hidden;
        return new ExpertsBlock
        {
            HiddenSize = dense.Hidden,
            Routing = routing,
            Router = new LinearModule($"{Name}.gate", routing.Experts, dense.Hidden),
            Correction = new VectorModule($"{Name}.gate.e_score_correction_bias", routing.Experts),
            GateUp = new ExpertModule($"{Name}.experts", "up_proj", "up_proj", null, routing.Experts, width, inputs),
            Down = new ExpertModule($"{Name}.experts", "down_proj", "down_proj", null, routing.Experts, inputs, width) { Place = 1 },
            Function = function,
            Latent = latent is null
                ? null
                : (new LinearModule($"{Name}.fc1_latent_proj", inputs, dense.Hidden, bias),
                    new LinearModule($"{Name}.fc2_latent_proj", dense.Hidden, inputs, bias)),
            Shared = Mlp(
                dense, function, $"{Name}.shared_experts",
                ExpertsConfig.Width(config, "moe_shared_expert_intermediate_size", DefaultExpertWidth)),
        };
    }

    /// <summary>What each layer is: M for Mamba, * for attention, - for a feed-forward block, E for experts.</summary>
    private static ImmutableArray<char> Kinds(ConfigObject config)
    {
        string key = config.Has("layers_block_type") ? "layers_block_type" : "layer_types";
        ImmutableArray<char> kinds = config.OptionalStrings(key) is { } types
            ? [.. types.Select(type => type switch
            {
                "mamba" or "linear_attention" => 'M',
                "attention" or "full_attention" => '*',
                "mlp" => '-',
                "moe" => 'E',
                _ => throw config.Refusal(key, $"has {Shown.Name(type)}; served are 'mamba', 'attention', 'mlp' and 'moe'"),
            })]
            : config.OptionalString(Pattern) is { } pattern
                ? [.. pattern.Select(kind => "M*-E".Contains(kind)
                    ? kind
                    : throw config.Refusal(Pattern, $"has {Shown.Name(kind.ToString())}; served are 'M', '*', '-' and 'E'"))]
                : throw config.Error(Pattern, "is missing");
        if (kinds.Length is 0 or > DenseConfig.MostLayers)
        {
            throw config.Error(Pattern, $"has {kinds.Length} layers");
        }

        return config.OptionalInt("num_hidden_layers", 1, DenseConfig.MostLayers) is { } layers && layers != kinds.Length
            ? throw config.Error("num_hidden_layers", $"is {layers}; {kinds.Length} layers are listed")
            : kinds;
    }
}
