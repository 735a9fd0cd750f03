using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using SLoRA.Errors;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// What the metadata of a GGUF model says about the function that it computes, in the form of a <c>config.json</c> of its class: so the
/// same families read both.
/// </summary>
internal sealed class GgufConfig
{
    private const string ArchitectureKey = "general.architecture";
    private const string TypeKey = "general.type";
    private const string TokensKey = "tokenizer.ggml.tokens";
    private const string RopeFactors = "rope_freqs.weight";
    private const string LayerNormEpsilon = "attention.layer_norm_epsilon";
    private const string PredictingLayers = "nextn_predict_layers";
    private const string SharingLayers = "attention.shared_kv_layers";
    private const string Layer = "blk.";
    private const double Largest = 1e30;
    private const int Widest = 1 << 24;
    private const int MostLayers = 4096;

    // Keys that change what is computed and that none of the served architectures has; one that says 0, false or none does nothing.
    private static readonly ImmutableArray<string> NotServed =
    [
        "expert_count", "expert_used_count", "expert_shared_count", "leading_dense_block_count", "attention.sliding_window",
        "attention.clamp_kqv", "attention.max_alibi_bias", LayerNormEpsilon, "attention.q_lora_rank",
        "attention.kv_lora_rank", "attention.scale", "attention.logit_softcapping", "attn_logit_softcapping", "final_logit_softcapping",
        "router_logit_softcapping", "logit_scale", "residual_scale", "embedding_scale", "use_parallel_residual", "swin_norm",
        "rope.dimension_sections", "rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor",
        "ssm.conv_kernel", PredictingLayers, "attention.key_length_mla", "attention.value_length_mla", "attention.temperature_length",
        "attention.temperature_scale", "pooling_type", "expert_weights_scale", "expert_weights_norm", "expert_group_count",
        "expert_group_used_count", "interleave_moe_layer_step", "shortconv.l_cache", "moe_latent_size",
    ];

    private readonly GgufFiles _files;
    private readonly GgufMetadata _metadata;
    private readonly string _prefix;

    private GgufConfig(GgufFiles files, GgufArchitecture architecture)
    {
        _files = files;
        _metadata = files.Metadata;
        Architecture = architecture;
        _prefix = architecture.Name + ".";
        Layers = Int("block_count", 1, MostLayers) - ReadPredicting();
        Hidden = Int("embedding_length", 1, Widest);
        Heads = Agreed("attention.head_count", 1 << 14, static _ => true)
            ?? throw _metadata.Error(Key("attention.head_count"), "is missing, or 0 for all layers");
        KeyValueHeads = Agreed("attention.head_count_kv", 1 << 14, layer => !architecture.HasWindowedHeads || HasWindow(layer)) ?? Heads;
        Width = Agreed("feed_forward_length", Widest, layer => !SharesKeys(layer));
        HeadDim = architecture.HasLatent ? Int("rope.dimension_count", 2, 1 << 14)
            : architecture.HasWindowedHeads ? Int("attention.key_length_swa", 2, 1 << 14)
            : ReadHeadDim();
        Rotated = architecture.HasLatent || architecture.HasWindowedHeads || !architecture.Rotates ? HeadDim : ReadRotated();
        AttentionFactor = (float)(Number("rope.scaling.attn_factor", double.Epsilon) ?? 1);
        RefuseOthers();
        Root = Write();
    }

    /// <summary>The architecture.</summary>
    public GgufArchitecture Architecture { get; }

    /// <summary>Layers.</summary>
    public int Layers { get; }

    /// <summary>Width of the residual stream.</summary>
    public int Hidden { get; }

    /// <summary>Query heads.</summary>
    public int Heads { get; }

    /// <summary>Heads of keys and values.</summary>
    public int KeyValueHeads { get; }

    /// <summary>Width of feed-forward blocks; null where the file has none.</summary>
    public int? Width { get; }

    /// <summary>Columns of a head.</summary>
    public int HeadDim { get; }

    /// <summary>The order of rows of queries and keys, where the architecture has one of its own.</summary>
    public HeadRows HeadRows => new(HeadDim);

    /// <summary>Columns of a head that rotate.</summary>
    public int Rotated { get; }

    /// <summary>The heads of gated delta nets, of a model that has some.</summary>
    public DeltaHeads DeltaHeads
    {
        get
        {
            int values = Int("ssm.time_step_rank", 1, 1 << 14);
            return new DeltaHeads(
                Int("ssm.group_count", 1, values), values, Int("ssm.state_size", 1, 1 << 14), Int("ssm.inner_size", 1, Widest) / values);
        }
    }

    /// <summary>What cosines and sines are multiplied by beside what the kind of scaling asks for.</summary>
    public float AttentionFactor { get; }

    /// <summary>The configuration in Hugging Face's form.</summary>
    public ConfigObject Root { get; }

    /// <summary>Reads the metadata of a model.</summary>
    /// <exception cref="FormatError">A key is missing or impossible, or asks for what is not served.</exception>
    public static GgufConfig Read(GgufFiles files)
    {
        GgufMetadata metadata = files.Metadata;
        if (metadata.OptionalText(TypeKey) is { } type and not "model")
        {
            throw metadata.Refusal(TypeKey, type == "adapter"
                ? "is 'adapter': register it under a name, and name here the model that it was trained on"
                : $"is {Shown.Name(type)}, expected 'model'");
        }

        string name = metadata.Text(ArchitectureKey);
        return new GgufConfig(files, GgufArchitectures.Of(name, metadata) ?? throw metadata.Refusal(
            ArchitectureKey, $"is {Shown.Name(name)}, which is not served; served are {string.Join(", ", GgufArchitectures.Names)}"));
    }

    /// <summary>Tokens.</summary>
    public int Vocabulary => ReadVocabulary();

    /// <summary>Whether a layer has the window, of an architecture whose files list it; every sixth has none where one does not.</summary>
    public bool HasWindow(int layer) =>
        _metadata.OptionalBools(Key("attention.sliding_window_pattern")) is { } windowed && layer < windowed.Length
            ? windowed[layer]
            : (layer + 1) % 6 != 0;

    /// <summary>Whether a layer shares keys and values of an earlier one.</summary>
    public bool SharesKeys(int layer) =>
        Architecture.HasWindowedHeads && layer >= Layers - (_metadata.OptionalInteger(Key(SharingLayers), 0, Layers) ?? 0);

    /// <summary>The part of heads of full layers that rotates, where factors say it by being 1 or without bound.</summary>
    public double ReadShare()
    {
        int columns = Int("attention.key_length", 2, 1 << 14);
        float[]? factors = ReadRopeFactors(columns / 2);
        int rotated = factors?.TakeWhile(factor => factor == 1).Count() ?? columns / 2;
        // A quarter of a pair more, so that no rounding makes it less.
        return factors is not null && factors.Skip(rotated).Any(factor => factor < 1e29f)
            ? throw new FormatError(
                LoadErrorKind.Incompatible, _files.Path, RopeFactors, "has others than 1 and then 1e30, which is not served")
            : Math.Min(1, (rotated + 0.25) * 2 / columns);
    }

    /// <summary>What each frequency of the rotation is divided by, d/2 numbers, where the file says it; null where it does not.</summary>
    /// <exception cref="FormatError">There are not so many, or one cannot be.</exception>
    public float[]? ReadRopeFactors() => Architecture.HasWindowedHeads ? null : ReadRopeFactors(Rotated / 2);

    private float[]? ReadRopeFactors(int count)
    {
        foreach ((GgufTensor tensor, WeightFile file) in _files.Tensors)
        {
            if (tensor.Name != RopeFactors)
            {
                continue;
            }

            float[] factors = new float[count];
            if (tensor.Type.Format != WeightFormat.F32 || tensor.Shape is not [var stored] || stored != count)
            {
                throw Error($"is {tensor.Type.Name} [{string.Join(", ", tensor.Shape)}], expected F32 [{factors.Length}]");
            }

            byte[] bytes = new byte[tensor.Length];
            file.Read(tensor.Begin, bytes);
            WeightFormat.F32.Widen(bytes, factors);
            return factors.All(factor => float.IsFinite(factor) && factor > 0)
                ? factors
                : throw Error("holds what no frequency can be divided by");

            FormatError Error(string problem) => new(LoadErrorKind.Tensor, file.Path, RopeFactors, problem);
        }

        return null;
    }

    /// <summary>
    /// Whether a tensor is no weight of the model: it belongs to the configuration, or to a layer that predicts further tokens.
    /// </summary>
    public bool Consumes(string tensor) => tensor == RopeFactors
        || (tensor.StartsWith(Layer, StringComparison.Ordinal) && tensor.IndexOf('.', Layer.Length) is > 0 and var dot
            && int.TryParse(
                tensor.AsSpan(Layer.Length, dot - Layer.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer)
            && ((layer >= Layers && layer < Layers + ReadPredicting())
                // Keys and values that are another layer's are stored too.
                || (SharesKeys(layer) && tensor.AsSpan(dot) is ".attn_k.weight" or ".attn_v.weight" or ".attn_k_norm.weight")));

    /// <summary>The numbers of a key, whole, which has one for each layer or one for all.</summary>
    public ImmutableArray<float> ReadLayerNumbers(string key)
    {
        ImmutableArray<double> numbers = _metadata.IsList(key)
            ? _metadata.OptionalNumbers(key) ?? []
            : [.. Enumerable.Repeat(_metadata.Number(key, -Largest, Largest), Layers)];
        return numbers.Length == Layers && numbers.All(double.IsFinite)
            ? [.. numbers.Select(number => (float)number)]
            : throw _metadata.Error(key, $"has {numbers.Length} numbers, or one that is not finite; there are {Layers} layers");
    }

    /// <summary>A whole number that is given for each layer or for all of them.</summary>
    public ImmutableArray<int> ReadLayerIntegers(string name, int largest)
    {
        string key = Key(name);
        if (!_metadata.IsList(key))
        {
            return [.. Enumerable.Repeat((int)_metadata.Integer(key, 0, largest), Layers)];
        }

        ImmutableArray<long> numbers = _metadata.OptionalIntegers(key)!.Value;
        return numbers.Length >= Layers && numbers.All(number => number >= 0 && number <= largest)
            ? [.. numbers.Take(Layers).Select(number => (int)number)]
            : throw _metadata.Error(
                key, $"has {numbers.Length} numbers, or one that is not from 0 to {largest}; there are {Layers} layers");
    }

    private string Key(string name) => _prefix + name;

    private int ReadPredicting() => Architecture.Reads.Contains(PredictingLayers)
        ? (int)(_metadata.OptionalInteger(Key(PredictingLayers), 0, Int("block_count", 1, MostLayers) - 1) ?? 0)
        : 0;

    /// <summary>A number of all layers that have one, 0 being none; null where no layer has.</summary>
    private int? Agreed(string name, int largest, Func<int, bool> isMeant)
    {
        if (!_metadata.Has(Key(name)))
        {
            return null;
        }

        ImmutableArray<int> numbers =
            [.. ReadLayerIntegers(name, largest).Where((number, layer) => number != 0 && isMeant(layer)).Distinct()];
        return numbers.Length < 2
            ? numbers.IsEmpty ? null : numbers[0]
            : throw _metadata.Refusal(Key(name), $"is {numbers[0]} for one layer and {numbers[1]} for another: only equal ones are served");
    }

    private int Int(string name, int smallest, int largest) => (int)_metadata.Integer(Key(name), smallest, largest);

    private double? Number(string name, double smallest) => _metadata.OptionalNumber(Key(name), smallest, Largest);

    private int ReadHeadDim()
    {
        int? keys = (int?)_metadata.OptionalInteger(Key("attention.key_length"), 1, 1 << 14),
            values = (int?)_metadata.OptionalInteger(Key("attention.value_length"), 1, 1 << 14);
        if (keys is null && Hidden % Heads != 0)
        {
            throw _metadata.Error(Key("attention.head_count"), $"is {Heads}, which does not divide embedding_length {Hidden}");
        }

        int head = keys ?? Hidden / Heads;
        if (values is { } value && value != head)
        {
            throw _metadata.Refusal(Key("attention.value_length"), $"is {value}, keys have {head}: only equal ones are served");
        }

        if (head % 2 != 0)
        {
            throw _metadata.Error(Key("attention.key_length"), $"is {head}; rotation needs an even number");
        }

        return head;
    }

    private int ReadRotated()
    {
        const string Name = "rope.dimension_count";
        int rotated = (int)(_metadata.OptionalInteger(Key(Name), 0, 1 << 14) ?? HeadDim);
        if (rotated != HeadDim && (!Architecture.RotatesPart || rotated > HeadDim || rotated % 2 != 0 || rotated == 0))
        {
            throw _metadata.Refusal(Key(Name), $"is {rotated}, heads have {HeadDim}: "
                + (Architecture.RotatesPart ? "only an even part of them can rotate" : "only whole heads are rotated"));
        }

        return rotated;
    }

    private void RefuseOthers()
    {
        foreach (string name in NotServed)
        {
            if (_metadata.IsOn(Key(name)) && !Architecture.Reads.Contains(name)
                && !(name == LayerNormEpsilon && Architecture.LayerNormKey is not null))
            {
                throw _metadata.Refusal(Key(name), $"is {_metadata.Shown(Key(name))}, which is not served");
            }
        }

        if (_metadata.OptionalBool(Key("attention.causal")) is false)
        {
            throw _metadata.Refusal(Key("attention.causal"), "is false; only causal attention is served");
        }
    }

    private ConfigObject Write()
    {
        int vocabulary = ReadVocabulary();
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("architectures");
            writer.WriteStringValue(Architecture.HuggingFace);
            writer.WriteEndArray();
            writer.WriteString("model_type", Architecture.ModelType);
            writer.WriteString("dtype", ReadType());
            writer.WriteNumber("vocab_size", vocabulary);
            writer.WriteNumber("hidden_size", Hidden);
            if (Width is { } width)
            {
                writer.WriteNumber(Architecture.WidthKey, width);
            }

            writer.WriteNumber("num_hidden_layers", Layers);
            writer.WriteNumber("num_attention_heads", Heads);
            writer.WriteNumber("num_key_value_heads", Architecture.HasLatent ? Heads : KeyValueHeads);
            writer.WriteNumber("head_dim", HeadDim);
            writer.WriteNumber("max_position_embeddings", Int("context_length", 1, 1 << 30));
            writer.WriteNumber(
                Architecture.LayerNormKey ?? Architecture.NormKey,
                _metadata.Number(Key(Architecture.LayerNormKey is null ? "attention.layer_norm_rms_epsilon" : LayerNormEpsilon), 0, 1));
            writer.WriteBoolean("tie_word_embeddings", !HasTensor("output.weight"));
            if (Architecture.BiasKey is { } biasKey)
            {
                writer.WriteBoolean(biasKey, HasTensor("blk.0.attn_q.bias"));
            }

            writer.WriteBoolean("mlp_bias", HasTensor("blk.0.ffn_gate.bias"));
            var settings = new GgufSettings(this, _metadata, writer, HasTensor);
            Architecture.Write?.Invoke(settings);
            WriteEnd(writer, vocabulary);
            double share = Architecture.HasWindowedHeads ? ReadShare() : (double)Rotated / HeadDim;
            new GgufRope(Architecture, _metadata, share).Write(writer, settings);
            writer.WriteEndObject();
        }

        return ConfigDocument.Parse(json.ToArray(), _files.Path);
    }

    private int ReadVocabulary() =>
        _metadata.OptionalTexts(TokensKey) is { } tokens ? tokens.Length
        : (int?)_metadata.OptionalInteger(Key("vocab_size"), 1, 1 << 26)
            ?? throw _metadata.Error(TokensKey, "is missing, and so is the size of the vocabulary");

    private void WriteEnd(Utf8JsonWriter writer, int vocabulary)
    {
        writer.WriteStartArray("eos_token_id");
        foreach (string role in (string[])["eos", "eot", "eom"])
        {
            if (_metadata.OptionalInteger($"tokenizer.ggml.{role}_token_id", 0, vocabulary - 1) is { } id)
            {
                writer.WriteNumberValue(id);
            }
        }

        writer.WriteEndArray();
    }

    // Norms are fp32 in every file: the type is that of the matrices.
    private string ReadType()
    {
        ImmutableArray<WeightFormat?> types =
            [.. _files.Tensors.Where(tensor => tensor.Tensor.Shape.Length > 1).Select(tensor => tensor.Tensor.Type.Format).Distinct()];
        return types.All(type => type == WeightFormat.F32) ? "float32"
            : types.Contains(WeightFormat.BF16) && !types.Contains(WeightFormat.F16) ? "bfloat16"
            : "float16";
    }

    private bool HasTensor(string name) => _files.Tensors.Any(tensor => tensor.Tensor.Name == name);
}
