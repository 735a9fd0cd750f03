using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Llama4ForCausalLM, the text part: layers that rotate see their own chunk of the sequence alone, layers that do not see everything with
/// queries that grow with their position; experts get their rows times the router's weight.
/// </summary>
internal static class Llama4Family
{
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultChunk = 8192;
    private const int DefaultFloor = 8192;
    private const int DefaultInterval = 4;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 5e5;
    private const double DefaultScale = 0.1;
    private const string Tuning = "attn_temperature_tuning";
    private const string Rotated = "no_rope_layers";

    public static DecoderFamily Family { get; } = new("Llama4ForCausalLM", "llama4_text", Describe)
    {
        Reads =
        [
            "num_local_experts", "num_experts_per_tok", "attention_chunk_size", Rotated, "no_rope_layer_interval", "use_qk_norm",
        ],
    };

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(config, headDim: 128, keyValueHeads: DefaultKeyValueHeads, epsilon: DefaultEpsilon);
        dense = dense with { RopeLayout = dense.RopeLayout with { AdjacentPairs = true, Theta = DefaultTheta } };
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "sliding_window");
        ImmutableArray<bool> rotates = RotatedLayers(config, dense.Layers);
        ImmutableArray<bool> sparse = SparseLayers(config, dense.Layers);
        GatedMlpBlock mlp = dense.Mlp() with
        {
            Name = "feed_forward",
            IntermediateSize = ExpertsConfig.Width(config, "intermediate_size_mlp", 16384),
        };
        ExpertsBlock experts = Experts(config, dense);
        AttentionBlock rotated = Attention(config, dense, rotates: true), plain = Attention(config, dense, rotates: false);
        return dense.Decoder(Family.Architecture, Enumerable.Range(0, dense.Layers).Select(layer =>
            ((Block)(rotates[layer] ? rotated : plain), sparse[layer] ? experts : (Block)mlp)));
    }

    private static AttentionBlock Attention(ConfigObject config, DenseConfig dense, bool rotates)
    {
        bool bias = config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(qkvBias: bias, outputBias: bias);
        if (rotates)
        {
            int? chunk = config.Names("attention_chunk_size")
                ? config.OptionalInt("attention_chunk_size", 1, int.MaxValue)
                : DefaultChunk;
            return attention with
            {
                Shape = attention.Shape with { Chunk = chunk },
                QueryKeyNorm = config.Bool("use_qk_norm", true)
                    ? new QueryKeyNorm(dense.NormEpsilon) { AfterRotation = true, HasWeights = false }
                    : null,
            };
        }

        // Some files have a number here; any but 0 means true.
        bool grows = config.IsOn(Tuning) || !config.Names(Tuning);
        return attention with
        {
            Rope = RopeDescription.None,
            QueryScale = grows
                ? new PositionScale(
                    (float)(config.OptionalNumber("attn_scale", 0, 1e30) ?? DefaultScale),
                    config.OptionalInt("floor_scale", 1, int.MaxValue) ?? DefaultFloor, Offset: 1)
                : null,
        };
    }

    private static ExpertsBlock Experts(ConfigObject config, DenseConfig dense)
    {
        const string Name = "feed_forward";
        (int experts, int chosen) = ExpertsConfig.Read(config, ["num_local_experts"], experts: 16, chosen: 1);
        var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.Sigmoid, WeighsInputs = true };
        ExpertsBlock block = ExpertsConfig.Block(dense, routing, dense.Intermediate, Name, "router");
        return block with
        {
            GateUp = block.GateUp with { Storage = ExpertStorage.Transposed, Order = ExpertOrder.InputsFirst },
            Down = block.Down with { Storage = ExpertStorage.Transposed, Order = ExpertOrder.InputsFirst },
            Shared = dense.Mlp() with { Name = Name + ".shared_expert" },
        };
    }

    private static ImmutableArray<bool> RotatedLayers(ConfigObject config, int layers)
    {
        if (config.OptionalIntOrInts(Rotated, 0, 1) is not { IsEmpty: false } listed)
        {
            int interval = config.OptionalInt("no_rope_layer_interval", 1, int.MaxValue) ?? DefaultInterval;
            return [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % interval != 0)];
        }

        return listed.Length == layers
            ? [.. listed.Select(rotates => rotates == 1)]
            : throw config.Error(Rotated, $"has {listed.Length} entries, num_hidden_layers is {layers}");
    }

    private static ImmutableArray<bool> SparseLayers(ConfigObject config, int layers)
    {
        if (config.OptionalIntOrInts("moe_layers", 0, int.MaxValue) is { } listed)
        {
            return [.. Enumerable.Range(0, layers).Select(layer => listed.Contains(layer))];
        }

        int step = config.OptionalInt("interleave_moe_layer_step", 1, int.MaxValue) ?? 1;
        return [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % step == 0)];
    }
}
