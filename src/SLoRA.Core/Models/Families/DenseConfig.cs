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
    public const int MostLayers = 4096;
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

    /// <summary>What every norm adds to the mean square.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Whether norms take the mean away first.</summary>
    public bool CenteredNorms { get; init; }

    /// <summary>Whether norms have biases.</summary>
    public bool NormBias { get; init; }

    /// <summary>What is added to the stored weights of norms.</summary>
    public float NormOffset { get; init; }

    /// <summary>The function of a feed-forward block's gate; null where the configuration names none of those.</summary>
    public required Activation? Gate { get; init; }

    /// <summary>The rotation; all layers share it unless the family gives some another.</summary>
    public RopeDescription Rope
    {
        get => field ??= RopeConfig.Read(Config, RopeLayout);
        init;
    }

    /// <summary>What the rotation is read with.</summary>
    public RopeLayout RopeLayout
    {
        get => field ??= new RopeLayout { HeadDim = HeadDim, Context = Context };
        init;
    }

    /// <summary>Reads what all families share.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="headsDivideHidden">Whether the heads must divide the hidden size even where the file gives a head size.</param>
    /// <param name="headDim">The head size of a file that does not give one; null for hidden size over heads.</param>
    /// <param name="keyValueHeads">The key and value heads of a file without the key; null for as many as query heads, which an explicit
    /// null means everywhere.</param>
    /// <param name="context">The context of a file that does not give one; null if it must.</param>
    /// <param name="epsilonKey">The key of what norms add to the mean square.</param>
    /// <param name="epsilon">That without the key.</param>
    /// <param name="activation">The activation of a file that does not name one.</param>
    /// <param name="activationKey">The key that names it.</param>
    /// <param name="defaultHeads">The heads of a file that does not give them; null if it must.</param>
    /// <param name="defaultVocabulary">The tokens of a file that does not give them; null if it must.</param>
    /// <param name="intermediate">The width of feed-forward blocks, where it is not simply <c>intermediate_size</c>.</param>
    /// <param name="layerCount">Layers, where they are not simply <c>num_hidden_layers</c>.</param>
    public static DenseConfig Read(
        ConfigObject config, bool headsDivideHidden = false, int? headDim = null, int? keyValueHeads = null, int? context = null,
        string epsilonKey = "rms_norm_eps", double epsilon = 1e-6, string activation = "silu",
        string activationKey = Activations.Key, int? defaultHeads = null, int? defaultVocabulary = null,
        int? intermediate = null, int? layerCount = null)
    {
        int vocabulary = Required(config, "vocab_size", LargestVocabulary, defaultVocabulary);
        int hidden = config.Int("hidden_size", 1, Widest);
        int inner = intermediate ?? config.Int("intermediate_size", 1, Widest);
        int layers = layerCount ?? config.Int("num_hidden_layers", 1, MostLayers);
        int heads = Required(config, "num_attention_heads", MostHeads, defaultHeads);
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

        return new DenseConfig
        {
            Config = config,
            Vocabulary = vocabulary,
            Hidden = hidden,
            Intermediate = inner,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keys,
            HeadDim = columns,
            Gate = Activations.Read(config, activation, activationKey),
            Context = Required(config, "max_position_embeddings", LongestContext, context),
            NormEpsilon = (float)(config.OptionalNumber(epsilonKey, 0, 1) ?? epsilon),
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
        QueryKeyNorm = queryKeyNorm ? new QueryKeyNorm(NormEpsilon) { WeightOffset = NormOffset } : null,
        QkvBias = qkvBias,
        OutputBias = outputBias,
    };

    /// <summary>A gated feed-forward block of the usual width.</summary>
    public GatedMlpBlock Mlp() => new()
    {
        HiddenSize = Hidden,
        IntermediateSize = Intermediate,
        Activation = Gate ?? throw Activations.Refusal(Config),
    };

    /// <summary>A norm of the residual stream.</summary>
    public NormModule Norm(string name) => new(name, Hidden, NormEpsilon)
    {
        IsCentered = CenteredNorms,
        HasBias = NormBias,
        WeightOffset = NormOffset,
    };

    /// <summary>The decoder whose layers have these attentions, each before a gated feed-forward block.</summary>
    public DecoderDescription Decoder(string architecture, IEnumerable<AttentionBlock> attentions, bool mlpBias = false)
    {
        GatedMlpBlock mlp = Mlp() with { Bias = mlpBias };
        return Decoder(architecture, attentions.Select(attention => ((Block)attention, (Block)mlp)));
    }

    /// <summary>The decoder whose layers have these attentions, each before the block beside it.</summary>
    public DecoderDescription Decoder(string architecture, IEnumerable<(Block Attention, Block Behind)> layers)
    {
        NormModule attentionNorm = Norm("input_layernorm"), mlpNorm = Norm("post_attention_layernorm");
        return Decoder(architecture, layers.Select(layer =>
            new LayerDescription(new Branch(attentionNorm, layer.Attention), new Branch(mlpNorm, layer.Behind))));
    }

    /// <summary>The decoder of these layers.</summary>
    /// <param name="architecture">The class name in the configuration.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="tied">Whether the head uses the embedding's matrix where the file does not say.</param>
    public DecoderDescription Decoder(string architecture, IEnumerable<LayerDescription> layers, bool tied = false) => new()
    {
        Architecture = architecture,
        VocabularySize = Vocabulary,
        HiddenSize = Hidden,
        ContextLength = Rope.Lengths is DynamicLengths lengths ? (int)Math.Min(lengths.Reach, LongestContext) : Context,
        FinalNorm = Norm("norm"),
        TiedEmbeddings = Config.Bool("tie_word_embeddings", tied),
        WeightType = ReadWeightType(Config),
        Layers = [.. layers],
        EndOfSequence = Config.OptionalIntOrInts("eos_token_id", 0, int.MaxValue) ?? [],
    };

    private static int Required(ConfigObject config, string key, int largest, int? otherwise) =>
        otherwise is { } value ? config.OptionalInt(key, 1, largest) ?? value : config.Int(key, 1, largest);

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
