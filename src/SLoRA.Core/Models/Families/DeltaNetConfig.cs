using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>What Qwen3.5 and Qwen3-Next share: gated delta nets in most layers, gated attention in the others, norms of 1 + w.</summary>
internal static class DeltaNetConfig
{
    private const int DefaultHeadDim = 256;
    private const int DefaultContext = 32768;
    private const int DefaultDeltaDim = 128;
    private const int DefaultKeyHeads = 16;
    private const int DefaultValueHeads = 32;
    private const int DefaultInterval = 4;
    private const double DefaultShare = 0.25;
    private const int MostHeads = 1 << 14;
    private const int WidestValue = 1 << 14;
    private const int LongestKernel = 1 << 10;

    /// <summary>Keys of <see cref="UnservedFeatures"/> that this honours.</summary>
    public static readonly string[] Reads = ["partial_rotary_factor"];

    /// <summary>What the names of tensors begin with that predict further tokens.</summary>
    public const string LeavesOut = "mtp.";

    /// <summary>The settings of all.</summary>
    /// <param name="config">The settings of the text.</param>
    /// <param name="keyValueHeads">The key and value heads of a file without the key.</param>
    /// <param name="intermediate">The width of feed-forward blocks, where there need not be one.</param>
    public static DenseConfig Read(ConfigObject config, int keyValueHeads, int? intermediate = null)
    {
        DenseConfig dense = DenseConfig.Read(
            config, headDim: DefaultHeadDim, keyValueHeads: keyValueHeads, context: DefaultContext, intermediate: intermediate);
        UnservedFeatures.RefuseIfOn(config, "mlp_bias", "sliding_window");
        if (!config.Bool("attn_output_gate", true))
        {
            throw config.Refusal("attn_output_gate", "is false; attention without its gate is not served");
        }

        return dense with
        {
            NormOffset = 1,
            RopeLayout = dense.RopeLayout with { IsPartial = true, Share = DefaultShare, HasSections = true },
        };
    }

    /// <summary>The decoder whose layers have these blocks behind delta net or attention.</summary>
    public static DecoderDescription Decoder(DenseConfig dense, string architecture, bool isGrouped, IEnumerable<Block> behind)
    {
        bool bias = dense.Config.Bool("attention_bias", false);
        AttentionBlock attention = dense.Attention(queryKeyNorm: true, qkvBias: bias, outputBias: bias) with { GatesOutput = true };
        DeltaNetBlock delta = Delta(dense, isGrouped);
        return dense.Decoder(
            architecture,
            AttendingLayers(dense.Config, dense.Layers).Zip(behind, (attends, block) => (attends ? attention : (Block)delta, block))) with
        { LeavesOut = LeavesOut };
    }

    private static DeltaNetBlock Delta(DenseConfig dense, bool isGrouped)
    {
        ConfigObject config = dense.Config;
        int keyHeads = config.OptionalInt("linear_num_key_heads", 1, MostHeads) ?? DefaultKeyHeads;
        int valueHeads = config.OptionalInt("linear_num_value_heads", 1, MostHeads) ?? DefaultValueHeads;
        return valueHeads % keyHeads != 0
            ? throw config.Error("linear_num_value_heads", $"is {valueHeads}, which linear_num_key_heads {keyHeads} does not divide")
            : new DeltaNetBlock
            {
                HiddenSize = dense.Hidden,
                KeyHeads = keyHeads,
                KeyDim = config.OptionalInt("linear_key_head_dim", 1, Recurrence.MostKeyColumns) ?? DefaultDeltaDim,
                ValueHeads = valueHeads,
                ValueDim = config.OptionalInt("linear_value_head_dim", 1, WidestValue) ?? DefaultDeltaDim,
                Kernel = config.OptionalInt("linear_conv_kernel_dim", 2, LongestKernel) ?? 4,
                NormEpsilon = dense.NormEpsilon,
                IsGrouped = isGrouped,
            };
    }

    private static ImmutableArray<bool> AttendingLayers(ConfigObject config, int layers)
    {
        const string Key = "layer_types", Interval = "full_attention_interval";
        if (config.OptionalStrings(Key) is not { } types)
        {
            int interval = config.OptionalInt(Interval, 1, int.MaxValue) ?? DefaultInterval;
            return [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % interval == 0)];
        }

        return types.Length != layers
            ? throw config.Error(Key, $"has {types.Length} entries, num_hidden_layers is {layers}")
            :
            [
                .. types.Select(type => type switch
                {
                    "full_attention" => true,
                    "linear_attention" => false,
                    _ => throw config.Refusal(Key, $"has {Shown.Name(type)}; served are 'full_attention' and 'linear_attention'"),
                }),
            ];
    }
}
