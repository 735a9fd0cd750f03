using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>What LFM2 with and without experts share: short convolutions in most layers, attention in the others.</summary>
internal static class Lfm2Layers
{
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultContext = 128000;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 1e6;
    private const int LongestKernel = 1 << 10;

    /// <summary>The settings of both.</summary>
    public static DenseConfig Read(ConfigObject config, int intermediate)
    {
        DenseConfig dense = DenseConfig.Read(
            config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilonKey: "norm_eps", epsilon: DefaultEpsilon,
            intermediate: intermediate);
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias", "sliding_window");
        return dense with { RopeLayout = dense.RopeLayout with { Theta = DefaultTheta } };
    }

    /// <summary>The feed-forward block of a layer without experts.</summary>
    public static GatedMlpBlock Mlp(DenseConfig dense) =>
        dense.Mlp() with { Name = "feed_forward", PartNames = ("w1", "w3", "w2") };

    /// <summary>The decoder whose layers have these blocks behind attention or convolution.</summary>
    public static DecoderDescription Decoder(DenseConfig dense, string architecture, IEnumerable<Block> behind)
    {
        ConfigObject config = dense.Config;
        AttentionBlock attention = dense.Attention() with
        {
            QueryKeyNorm = new QueryKeyNorm(dense.NormEpsilon)
            {
                QueryName = "self_attn.q_layernorm",
                KeyName = "self_attn.k_layernorm",
            },
            OutputName = "self_attn.out_proj",
        };
        var convolution = new ShortConvolutionBlock
        {
            HiddenSize = dense.Hidden,
            Kernel = config.OptionalInt("conv_L_cache", 1, LongestKernel) ?? 3,
            Bias = config.Bool("conv_bias", false),
        };
        NormModule before = dense.Norm("operator_norm"), beforeBlock = dense.Norm("ffn_norm");
        return dense.Decoder(
            architecture,
            AttendingLayers(config, dense.Layers).Zip(behind, (attends, block) => new LayerDescription(
                new Branch(before, attends ? attention : convolution), new Branch(beforeBlock, block)))) with
        {
            FinalNorm = dense.Norm("embedding_norm"),
            TiedEmbeddings = config.Bool("tie_word_embeddings", config.Bool("tie_embedding", true)),
        };
    }

    private static ImmutableArray<bool> AttendingLayers(ConfigObject config, int layers)
    {
        const string Types = "layer_types", Indices = "full_attn_idxs";
        if (config.OptionalStrings(Types) is { } types)
        {
            return types.Length != layers
                ? throw config.Error(Types, $"has {types.Length} entries, num_hidden_layers is {layers}")
                :
                [
                    .. types.Select(type => type switch
                    {
                        "full_attention" => true,
                        "conv" => false,
                        _ => throw config.Refusal(Types, $"has {Shown.Name(type)}; served are 'conv' and 'full_attention'"),
                    }),
                ];
        }

        // Without either, the reference attends in every layer.
        ImmutableArray<int>? listed = config.OptionalIntOrInts(Indices, 0, layers - 1);
        return [.. Enumerable.Range(0, layers).Select(layer => listed?.Contains(layer) ?? true)];
    }
}
