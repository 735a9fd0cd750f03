using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Gemma4ForCausalLM: Gemma 3's layers with norms of w, full layers with heads of their own, values normed, last layers that share keys and
/// values of earlier ones, inputs of their own for every layer, a stored factor behind every layer, and experts beside the feed-forward
/// blocks of some models.
/// </summary>
internal static class Gemma4Family
{
    private const int DefaultContext = 131072;
    private const int DefaultWindow = 512;
    private const int DefaultPattern = 6;
    private const int DefaultKeyValueHeads = 4;
    private const int DefaultHeadDim = 256;
    private const int DefaultFullHeadDim = 512;
    private const int DefaultEntries = 262144;
    private const int MostHeads = 1 << 14;
    private const int Widest = 1 << 20;
    private const double DefaultFullTheta = 1e6;
    private const double DefaultTheta = 1e4;
    private const double DefaultShare = 0.25;

    public static DecoderFamily Family { get; } = new("Gemma4ForCausalLM", "gemma4_text", Describe)
    {
        Reads =
        [
            "num_kv_shared_layers", "attention_k_eq_v", "hidden_size_per_layer_input", "per_layer_config", "final_logit_softcapping",
            "sliding_window_pattern", "enable_moe_block", "num_experts", "moe_intermediate_size",
        ],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext,
            activation: "gelu_pytorch_tanh", activationKey: Activations.NewerKey);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias");
        ImmutableArray<bool> slides = (LayerTypes.Read(config, dense.Layers) ?? LayerTypes.FullEvery(config, dense.Layers, DefaultPattern))
            .SetItem(dense.Layers - 1, false);
        int shared = config.OptionalInt("num_kv_shared_layers", 0, dense.Layers - 1) ?? 0;
        Kinds kinds = ReadKinds(config, dense);
        dense = dense with { Rope = kinds.Full.Rope };
        int width = config.OptionalInt("hidden_size_per_layer_input", 0, Widest) ?? 0;
        GatedMlpBlock mlp = dense.Mlp(), wide = config.Bool("use_double_wide_mlp", false)
            ? mlp with { IntermediateSize = 2 * mlp.IntermediateSize }
            : mlp;
        NormModule before = dense.Norm("input_layernorm"), behind = dense.Norm("post_attention_layernorm"),
            beforeMlp = dense.Norm("pre_feedforward_layernorm"), behindMlp = dense.Norm("post_feedforward_layernorm");
        var factor = new NumberModule("layer_scalar", IsVector: true);
        ExpertsBlock? experts = config.Bool("enable_moe_block", false) ? Experts(config, dense) : null;
        int own = dense.Layers - shared;
        return dense.Decoder(Family.Architecture, Enumerable.Range(0, dense.Layers).Select(Layer), tied: true) with
        {
            EmbeddingMultiplier = MathF.Sqrt(dense.Hidden),
            LogitCap = GemmaLayers.Cap(config, "final_logit_softcapping", otherwise: null),
            PerLayerInputs = width == 0
                ? null
                : new PerLayerInputs(dense.Layers, width, dense.Hidden, Entries(config, dense.Vocabulary), dense.NormEpsilon),
        };

        LayerDescription Layer(int layer)
        {
            AttentionBlock kind = slides[layer] ? kinds.Windowed : kinds.Full;
            var attention = new Branch(before, layer < own ? kind : Sharing(layer, kind)) { NormBehind = behind };
            Branch feedForward = FeedForward(layer < own ? mlp : wide) with { NormBehind = behindMlp };
            if (width == 0)
            {
                return new LayerDescription(attention, feedForward with { FactorBehind = factor });
            }

            var input = new PerLayerInputBlock { HiddenSize = dense.Hidden, Width = width, Layer = layer, Activation = mlp.Activation };
            return new LayerDescription(
                attention, feedForward,
                new Branch(null, input) { NormBehind = dense.Norm("post_per_layer_input_norm"), FactorBehind = factor });
        }

        Branch FeedForward(GatedMlpBlock plain) => experts is null
            ? new Branch(beforeMlp, plain)
            : new Branch(null, new ParallelBlock(
                dense.Hidden,
                new Branch(beforeMlp, plain) { NormBehind = dense.Norm("post_feedforward_layernorm_1") },
                new Branch(null, experts) { NormBehind = dense.Norm("post_feedforward_layernorm_2") }));

        SharedAttentionBlock Sharing(int layer, AttentionBlock kind)
        {
            int donor = slides.LastIndexOf(slides[layer], own - 1);
            return donor < 0
                ? throw config.Error("num_kv_shared_layers", $"is {shared}: layer {layer} has no earlier one of its kind to share with")
                : new SharedAttentionBlock
                {
                    HiddenSize = dense.Hidden,
                    Shape = kind.Shape,
                    Rope = kind.Rope,
                    Norm = kind.QueryKeyNorm!,
                    Bias = kind.OutputBias,
                    CacheLayer = donor,
                };
        }
    }

    private static ExpertsBlock Experts(ConfigObject config, DenseConfig dense)
    {
        const string Chosen = "top_k_experts", Width = "moe_intermediate_size";
        int count = config.Int("num_experts", 1, Routing.MostExperts), chosen = config.Int(Chosen, 1, Routing.MostChosen);
        if (chosen > count)
        {
            throw config.Error(Chosen, $"is {chosen}, more than the {count} experts of num_experts");
        }

        var routing = new Routing { Experts = count, Chosen = chosen, Score = RouterScore.Softmax, Normalise = true };
        int width = config.Int(Width, 1, Widest);
        return new ExpertsBlock
        {
            HiddenSize = dense.Hidden,
            Routing = routing,
            Router = new LinearModule("router.proj", count, dense.Hidden),
            RouterScale = new VectorModule("router.scale", dense.Hidden),
            NormEpsilon = dense.NormEpsilon,
            Factors = new VectorModule("router.per_expert_scale", count),
            InputNorm = dense.Norm("pre_feedforward_layernorm_2"),
            GateUp = new ExpertModule("experts", "gate_up_proj", "gate_proj", "up_proj", count, width, dense.Hidden)
            {
                Storage = ExpertStorage.Stacked,
            },
            Down = new ExpertModule("experts", "down_proj", "down_proj", null, count, dense.Hidden, width)
            {
                Storage = ExpertStorage.Stacked,
                Place = 1,
            },
            Activation = dense.Gate ?? throw Activations.Refusal(config),
        };
    }

    private static Kinds ReadKinds(ConfigObject config, DenseConfig dense)
    {
        bool keysAreValues = config.Bool("attention_k_eq_v", false);
        int fullHead = OfFullLayers(config, "global_head_dim", "head_dim", Widest) ?? DefaultFullHeadDim;
        if (fullHead % 2 != 0 || (long)fullHead * dense.Heads > Widest)
        {
            throw config.Error("global_head_dim", $"is {fullHead}; rotation needs an even number, and {dense.Heads} of them must fit");
        }

        int? stated = OfFullLayers(config, "num_global_key_value_heads", "num_key_value_heads", MostHeads);
        int fullKeys = keysAreValues ? stated ?? dense.KeyValueHeads : dense.KeyValueHeads;
        if (dense.Heads % fullKeys != 0)
        {
            throw config.Error("num_global_key_value_heads", $"is {fullKeys}, which does not divide num_attention_heads {dense.Heads}");
        }

        var fullLayout = new RopeLayout
        {
            HeadDim = fullHead,
            Context = dense.Context,
            Theta = DefaultFullTheta,
            Share = DefaultShare,
            HasProportional = true,
        };
        (RopeDescription full, RopeDescription windowed) =
            RopeConfig.ReadKinds(config, fullLayout, windowedThetaKey: null, DefaultTheta, dense.RopeLayout);
        int? window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        DenseConfig wide = dense with { HeadDim = fullHead, KeyValueHeads = fullKeys, Rope = full };
        return new Kinds(
            Kind(dense with { Rope = windowed }, window),
            Kind(wide, window: null) with { KeysAreValues = keysAreValues });
    }

    private static AttentionBlock Kind(DenseConfig dense, int? window)
    {
        bool bias = dense.Config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(window, queryKeyNorm: true, qkvBias: bias, outputBias: bias);
        return attention with { Shape = attention.Shape with { ScoreScale = 1 }, NormsValues = true };
    }

    /// <summary>A setting of full layers: one number under its own key, or one for each layer, which must agree.</summary>
    private static int? OfFullLayers(ConfigObject config, string key, string layerKey, int largest)
    {
        int? read = config.OptionalInt(key, 1, largest);
        if (config.OptionalObject("per_layer_config") is not { } layers)
        {
            return read;
        }

        foreach (string layer in layers.Keys)
        {
            if (layers.OptionalObject(layer) is not { } settings)
            {
                continue;
            }

            if (settings.Keys.FirstOrDefault(name => name is not ("head_dim" or "num_key_value_heads") && settings.Has(name)) is { } other)
            {
                throw settings.Refusal(other, "is a setting of one layer that is not served");
            }

            int? stated = settings.OptionalInt(layerKey, 1, largest);
            if (read is not null && stated is not null && stated != read)
            {
                throw settings.Refusal(layerKey, $"is {stated}; all full layers must have the same, here {read}");
            }

            read ??= stated;
        }

        return read;
    }

    private static int Entries(ConfigObject config, int vocabulary)
    {
        const string Key = "vocab_size_per_layer_input";
        int entries = config.OptionalInt(Key, 1, int.MaxValue) ?? DefaultEntries;
        return entries >= vocabulary
            ? entries
            : throw config.Refusal(Key, $"is {entries}, less than the {vocabulary} tokens of vocab_size");
    }

    private sealed record Kinds(AttentionBlock Windowed, AttentionBlock Full);
}
