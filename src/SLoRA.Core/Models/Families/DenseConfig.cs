using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// The settings that Llama and its descendants share, read with bounds. The bounds are far above any published model and far below what
/// could overflow a size or take memory that a file does not pay for.
/// </summary>
internal sealed record DenseConfig
{
    private const int MostLayers = 4096;
    private const int MostHeads = 1 << 14;
    private const int WidestHead = 1 << 14;
    private const int Widest = 1 << 24;
    private const int LargestVocabulary = 1 << 26;
    private const int LongestContext = 1 << 30;

    public required ConfigObject Config { get; init; }

    public required int Hidden { get; init; }

    public required int Intermediate { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadDim { get; init; }

    public required int Vocabulary { get; init; }

    public required int Context { get; init; }

    /// <summary>What every RMS norm adds to the mean square.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>The rotation; all layers of these families share it.</summary>
    public required RopeDescription Rope { get; init; }

    /// <param name="config">The root of config.json.</param>
    /// <param name="headsDivideHidden">Whether the heads must divide the hidden size even where the file gives a head size.</param>
    /// <param name="headDim">The head size of a file that does not give one; null for hidden size over heads.</param>
    /// <param name="keyValueHeads">The key and value heads of a file without the key; null for as many as query heads, which an explicit
    /// null means everywhere.</param>
    public static DenseConfig Read(ConfigObject config, bool headsDivideHidden = false, int? headDim = null, int? keyValueHeads = null)
    {
        int vocabulary = config.Int("vocab_size", 1, LargestVocabulary);
        int hidden = config.Int("hidden_size", 1, Widest);
        int intermediate = config.Int("intermediate_size", 1, Widest);
        int layers = config.Int("num_hidden_layers", 1, MostLayers);
        int heads = config.Int("num_attention_heads", 1, MostHeads);
        int? head = config.OptionalInt("head_dim", 1, WidestHead) ?? headDim;
        if (hidden % heads != 0 && (headsDivideHidden || head is null))
        {
            throw config.Error("num_attention_heads", $"is {heads}, which does not divide hidden_size {hidden}");
        }

        int columns = head ?? hidden / heads;
        if (columns % 2 != 0)
        {
            throw config.Error("head_dim", $"is {columns}; rotation needs an even number");
        }

        if ((long)heads * columns > Widest)
        {
            throw config.Error("head_dim", $"is {columns}, too wide with {heads} heads");
        }

        int keys = config.OptionalInt("num_key_value_heads", 1, MostHeads)
            ?? (config.Names("num_key_value_heads") ? heads : keyValueHeads ?? heads);
        if (heads % keys != 0)
        {
            throw config.Error("num_key_value_heads", $"is {keys}, which does not divide num_attention_heads {heads}");
        }

        RequireSilu(config, "hidden_act");
        RequireSilu(config, "hidden_activation");
        int context = config.Int("max_position_embeddings", 1, LongestContext);
        return new DenseConfig
        {
            Config = config,
            Vocabulary = vocabulary,
            Hidden = hidden,
            Intermediate = intermediate,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keys,
            HeadDim = columns,
            Context = context,
            NormEpsilon = (float)(config.OptionalNumber("rms_norm_eps", 0, 1) ?? 1e-6),
            Rope = RopeConfig.Read(config, columns, context),
        };
    }

    /// <summary>Attention as in Llama, with all heads alike and the usual scale.</summary>
    public AttentionBlock Attention(int? window = null, bool queryKeyNorm = false, bool qkvBias = false, bool outputBias = false) => new()
    {
        HiddenSize = Hidden,
        Shape = new GroupedAttention
        {
            Heads = Heads,
            KeyValueHeads = KeyValueHeads,
            HeadDim = HeadDim,
            Window = window,
            ScoreScale = (float)Math.Pow(HeadDim, -0.5),
        },
        Rope = Rope,
        QueryKeyNormEpsilon = queryKeyNorm ? NormEpsilon : null,
        QkvBias = qkvBias,
        OutputBias = outputBias,
    };

    /// <summary>The decoder whose layers have these attentions, each before a gated feed-forward block.</summary>
    public DecoderDescription Decoder(string architecture, IEnumerable<AttentionBlock> attentions, bool mlpBias = false)
    {
        GatedMlpBlock mlp = Mlp() with { Bias = mlpBias };
        return Decoder(architecture, attentions.Select(attention => ((Block)attention, (Block)mlp)));
    }

    /// <summary>A gated feed-forward block of the usual width.</summary>
    public GatedMlpBlock Mlp() => new() { HiddenSize = Hidden, IntermediateSize = Intermediate, Activation = Activation.Silu };

    /// <summary>The decoder whose layers have these attentions, each before the block beside it.</summary>
    public DecoderDescription Decoder(string architecture, IEnumerable<(Block Attention, Block Behind)> layers)
    {
        var attentionNorm = new NormModule("input_layernorm", Hidden, NormEpsilon);
        var mlpNorm = new NormModule("post_attention_layernorm", Hidden, NormEpsilon);
        return new DecoderDescription
        {
            Architecture = architecture,
            VocabularySize = Vocabulary,
            HiddenSize = Hidden,
            ContextLength = Context,
            NormEpsilon = NormEpsilon,
            TiedEmbeddings = Config.Bool("tie_word_embeddings", false),
            WeightType = ReadWeightType(Config),
            Layers =
                [.. layers.Select(layer =>
                    new LayerDescription(new Branch(attentionNorm, layer.Attention), new Branch(mlpNorm, layer.Behind)))],
            EndOfSequence = Config.OptionalIntOrInts("eos_token_id", 0, int.MaxValue) ?? [],
        };
    }

    private static void RequireSilu(ConfigObject config, string key)
    {
        if (config.OptionalString(key) is { } name and not ("silu" or "swish"))
        {
            throw config.Refusal(key, $"is {Shown.Name(name)}; served is 'silu'");
        }
    }

    private static TensorType ReadWeightType(ConfigObject config)
    {
        string key = config.Has("dtype") ? "dtype" : "torch_dtype";
        return config.OptionalString(key) switch
        {
            null or "float32" => TensorType.F32,
            "bfloat16" => TensorType.BF16,
            "float16" => TensorType.F16,
            string other => throw config.Refusal(key, $"is {Shown.Name(other)}; served are 'float32', 'float16' and 'bfloat16'"),
        };
    }
}
