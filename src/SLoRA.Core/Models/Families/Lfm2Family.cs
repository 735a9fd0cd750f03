using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>Lfm2ForCausalLM: gated short convolutions in most layers, attention with norms of query and key heads in the others.</summary>
internal static class Lfm2Family
{
    private const int DefaultKeyValueHeads = 8;
    private const int DefaultContext = 128000;
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultTheta = 1e6;
    private const int Widest = 1 << 24;
    private const int LongestKernel = 1 << 10;

    public static DecoderFamily Family { get; } = new("Lfm2ForCausalLM", "lfm2", Describe);

    private static DecoderDescription Describe(ConfigObject config)
    {
        DenseConfig dense = DenseConfig.Read(
            config, keyValueHeads: DefaultKeyValueHeads, context: DefaultContext, epsilonKey: "norm_eps", epsilon: DefaultEpsilon,
            intermediate: Width(config));
        dense = dense with { RopeLayout = dense.RopeLayout with { Theta = DefaultTheta } };
        UnservedFeatures.RefuseIfOn(config, "attention_bias", "mlp_bias", "sliding_window");
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
        GatedMlpBlock mlp = dense.Mlp() with { Name = "feed_forward", PartNames = ("w1", "w3", "w2") };
        NormModule before = dense.Norm("operator_norm"), beforeMlp = dense.Norm("ffn_norm");
        return dense.Decoder(
            Family.Architecture,
            AttendingLayers(config, dense.Layers).Select(attends => new LayerDescription(
                new Branch(before, attends ? attention : convolution), new Branch(beforeMlp, mlp)))) with
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

    /// <summary>The width of the feed-forward block: two thirds of the one given, times a factor, rounded up, unless told not to.</summary>
    private static int Width(ConfigObject config)
    {
        int given = config.OptionalInt("block_ff_dim", 1, Widest) ?? config.OptionalInt("intermediate_size", 1, Widest) ?? 12288;
        if (!config.Bool("block_auto_adjust_ff_dim", true))
        {
            return given;
        }

        int width = (int)(2L * given / 3);
        if (config.OptionalNumber("block_ffn_dim_multiplier", double.Epsilon, 1e6) is { } factor)
        {
            width = (int)Math.Min(Widest, factor * width);
        }

        int multiple = config.OptionalInt("block_multiple_of", 1, Widest) ?? 256;
        long rounded = ((long)width + multiple - 1) / multiple * multiple;
        return rounded is > 0 and <= Widest
            ? (int)rounded
            : throw config.Error("block_multiple_of", $"makes the feed-forward block {rounded} wide");
    }
}
