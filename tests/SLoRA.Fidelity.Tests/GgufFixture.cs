using System.Collections.Concurrent;
using System.Text.Json;
using SLoRA.Formats;
using SLoRA.Tests;

namespace SLoRA.Fidelity.Tests;

/// <summary>The model of a fixture, written as llama.cpp's converter does, where a file can say all that its configuration does.</summary>
internal static class GgufFixture
{
    /// <summary>Types of models that are written, and the case of the same class that says how.</summary>
    private static readonly Dictionary<string, string> Types = new()
    {
        ["olmoe"] = "olmoe",
        ["qwen2_moe"] = "qwen2moe",
        ["seed_oss"] = "seed_oss",
        ["ministral3"] = "mistral3",
        ["minimax_m2"] = "minimax-m2",
        ["glm4_moe"] = "glm4moe",
        ["ernie4_5_moe"] = "ernie4_5-moe",
        ["gemma4_text"] = "gemma4",
        ["glm4_moe_lite"] = "deepseek2",
        ["deepseek_v3"] = "deepseek2",
        ["lfm2"] = "lfm2",
        ["lfm2_moe"] = "lfm2moe",
        ["nemotron_h"] = "nemotron_h_moe",
        ["granitemoehybrid"] = "granitehybrid",
        ["qwen3_next"] = "qwen3next",
        ["qwen3_5_text"] = "qwen35",
        ["qwen3_5_moe_text"] = "qwen35moe",
    };

    /// <summary>Settings that are keys as they are.</summary>
    private static readonly (string Setting, string Key)[] Same =
    [
        ("max_position_embeddings", "context_length"), ("hidden_size", "embedding_length"), ("num_hidden_layers", "block_count"),
        ("num_attention_heads", "attention.head_count"), ("intermediate_size", "feed_forward_length"), ("vocab_size", "vocab_size"),
        ("rms_norm_eps", "attention.layer_norm_rms_epsilon"), ("norm_eps", "attention.layer_norm_rms_epsilon"),
        ("layer_norm_epsilon", "attention.layer_norm_rms_epsilon"), ("num_experts", "expert_count"),
        ("num_local_experts", "expert_count"), ("n_routed_experts", "expert_count"), ("num_experts_per_tok", "expert_used_count"),
        ("moe_intermediate_size", "expert_feed_forward_length"), ("n_shared_experts", "expert_shared_count"),
        ("shared_expert_intermediate_size", "expert_shared_feed_forward_length"),
        ("moe_shared_expert_intermediate_size", "expert_shared_feed_forward_length"),
        ("shared_intermediate_size", "expert_shared_feed_forward_length"), ("routed_scaling_factor", "expert_weights_scale"),
        ("first_k_dense_replace", "leading_dense_block_count"), ("num_dense_layers", "leading_dense_block_count"),
        ("n_group", "expert_group_count"), ("topk_group", "expert_group_used_count"), ("q_lora_rank", "attention.q_lora_rank"),
        ("kv_lora_rank", "attention.kv_lora_rank"), ("v_head_dim", "attention.value_length_mla"), ("rotary_dim", "rope.dimension_count"),
        ("qk_rope_head_dim", "rope.dimension_count"), ("conv_L_cache", "shortconv.l_cache"), ("mamba_d_conv", "ssm.conv_kernel"),
        ("mamba_d_state", "ssm.state_size"), ("mamba_n_groups", "ssm.group_count"), ("mamba_n_heads", "ssm.time_step_rank"),
        ("conv_kernel", "ssm.conv_kernel"), ("ssm_state_size", "ssm.state_size"), ("n_groups", "ssm.group_count"),
        ("mamba_num_heads", "ssm.time_step_rank"), ("linear_conv_kernel_dim", "ssm.conv_kernel"),
        ("linear_key_head_dim", "ssm.state_size"), ("linear_num_key_heads", "ssm.group_count"),
        ("linear_num_value_heads", "ssm.time_step_rank"), ("attention_multiplier", "attention.scale"),
        ("embedding_multiplier", "embedding_scale"), ("residual_multiplier", "residual_scale"), ("logits_scaling", "logit_scale"),
        ("rope_theta", "rope.freq_base"), ("factor", "rope.scaling.factor"), ("beta_fast", "rope.scaling.yarn_beta_fast"),
        ("beta_slow", "rope.scaling.yarn_beta_slow"), ("original_max_position_embeddings", "rope.scaling.original_context_length"),
        ("llama_4_scaling_beta", "attention.temperature_scale"), ("moe_num_experts", "expert_count"), ("moe_k", "expert_used_count"),
        ("moe_num_shared_experts", "expert_shared_count"), ("moe_layer_start_index", "leading_dense_block_count"),
        ("moe_layer_interval", "interleave_moe_layer_step"), ("num_nextn_predict_layers", "nextn_predict_layers"),
        ("top_k_experts", "expert_used_count"), ("num_kv_shared_layers", "attention.shared_kv_layers"),
        ("hidden_size_per_layer_input", "embedding_length_per_layer_input"), ("sliding_window", "attention.sliding_window"),
        ("final_logit_softcapping", "final_logit_softcapping"),
    ];

    private static readonly string[] Fractions =
        ["eps", "epsilon", "multiplier", "scaling", "factor", "theta", "beta", "fast", "slow", "softcapping"];

    private static readonly ConcurrentDictionary<string, Lazy<string>> Written = new();

    /// <summary>Whether the fixture's model is written.</summary>
    public static bool Serves(FixtureFolder folder) =>
        !folder.IsRefused && File.Exists(System.IO.Path.Combine(folder.Model, "config.json"))
        && new Settings(Config(folder)) is var config && Types.ContainsKey(config.Text("model_type")) && !config.Has("moe_latent_size")
        && !config.Has("quantization_config");

    /// <summary>The file, which is written once.</summary>
    public static string Path(FixtureFolder folder) => Written.GetOrAdd(folder.Path, _ => new Lazy<string>(() =>
    {
        string path = System.IO.Path.Combine(AppContext.BaseDirectory, $"{folder.Name}.gguf");
        File.WriteAllBytes(path, Write(folder));
        return path;
    })).Value;

    private static JsonElement Config(FixtureFolder folder) =>
        JsonDocument.Parse(File.ReadAllBytes(System.IO.Path.Combine(folder.Model, "config.json"))).RootElement;

    private static byte[] Write(FixtureFolder folder)
    {
        var config = new Settings(Config(folder));
        string architecture = Types[config.Text("model_type")];
        GgufConversion conversion = GgufCases.All.First(one => one.Conversion.Architecture == architecture).Conversion with
        {
            Sizes = new GgufSizes(
                config.Whole("num_attention_heads"), config.Whole("qk_nope_head_dim"), config.Whole("v_head_dim"),
                config.Whole("linear_num_key_heads"), config.Whole("linear_num_value_heads"), config.Whole("linear_key_head_dim"),
                config.Whole("linear_value_head_dim"), Math.Max(1, config.Whole("n_groups") + config.Whole("mamba_n_groups"))),
        };
        conversion = conversion.InterleavedHead > 0 ? conversion with { InterleavedHead = config.Head } : conversion;
        GgufWriter writer = new GgufWriter().Key("general.architecture", architecture);
        foreach ((string key, object value) in Keys(config, architecture))
        {
            writer.Key($"{architecture}.{key}", value);
        }

        Dictionary<string, FloatTensor> tensors = conversion.Convert(Tensors(folder.Model));
        if (architecture == "gemma4")
        {
            // Pairs of full heads that do not rotate are divided by what leaves nothing.
            int pairs = config.FullHead / 2, rotated = (int)(config.FullHead * config.FullShare / 2);
            tensors.Add("rope_freqs.weight", new FloatTensor(
                [pairs], [.. Enumerable.Range(0, pairs).Select(pair => pair < rotated ? 1 : 1e30f)]));
        }

        foreach ((string name, FloatTensor tensor) in tensors)
        {
            writer.Tensor(name, 0, tensor.Bytes(), tensor.Shape);
        }

        return writer.Write();
    }

    private static Dictionary<string, object> Keys(Settings config, string architecture)
    {
        var keys = new Dictionary<string, object>();
        foreach ((string setting, string key) in Same.Where(pair => config.Has(pair.Setting)))
        {
            keys[key] = Fractions.Any(ending => setting.EndsWith(ending, StringComparison.Ordinal))
                ? (object)(float)config.Number(setting)
                : (uint)config.Whole(setting);
        }

        int heads = config.Whole("num_key_value_heads");
        keys["attention.head_count_kv"] = config.Kinds is { } kinds
            ? kinds.Select(kind => kind ? heads : 0).ToArray()
            : (uint)heads;
        if (config.Has("head_dim"))
        {
            keys["attention.key_length"] = keys["attention.value_length"] = (uint)config.Head;
        }

        if (config.Has("partial_rotary_factor"))
        {
            keys["rope.dimension_count"] = (uint)(config.Head * config.Number("partial_rotary_factor"));
        }

        if (architecture == "deepseek2")
        {
            keys["attention.head_count_kv"] = 1u;
            keys["attention.key_length_mla"] = (uint)(config.Whole("qk_nope_head_dim") + config.Whole("qk_rope_head_dim"));
            keys["expert_gating_func"] = 2u;
            // The first layers of the smaller one are listed.
            keys.TryAdd("leading_dense_block_count", 1u);
        }

        if (architecture == "glm4moe")
        {
            keys["block_count"] = (uint)(config.Whole("num_hidden_layers") + config.Whole("num_nextn_predict_layers"));
        }

        if (architecture == "gemma4")
        {
            AddGemma4(keys, config);
        }

        if (architecture is "deepseek2" or "nemotron_h_moe" or "glm4moe")
        {
            keys["expert_weights_norm"] = true;
        }

        if (config.Has("mscale_all_dim"))
        {
            keys["rope.scaling.yarn_log_multiplier"] = (float)config.Number("mscale_all_dim") * (architecture == "deepseek2" ? 0.1f : 1);
        }

        if (config.Has("factor"))
        {
            keys["rope.scaling.type"] = "yarn";
        }

        if (architecture == "lfm2")
        {
            // Two thirds of what is said, up to the next multiple.
            int multiple = config.Whole("block_multiple_of");
            keys["feed_forward_length"] = (uint)((((config.Whole("block_ff_dim") * 2 / 3) + multiple - 1) / multiple) * multiple);
        }

        if (architecture == "nemotron_h_moe")
        {
            keys["feed_forward_length"] =
                config.Text("hybrid_override_pattern").Select(kind => kind == 'E' ? config.Whole("moe_intermediate_size") : 0).ToArray();
        }

        if (architecture == "granitehybrid")
        {
            keys["rope.scaling.finetuned"] = false;
        }

        int inner = (config.Whole("mamba_n_heads") * config.Whole("mamba_d_head"))
            + (config.Whole("mamba_num_heads") * config.Whole("mamba_head_dim"))
            + (config.Whole("linear_num_value_heads") * config.Whole("linear_value_head_dim"));
        if (inner > 0)
        {
            keys["ssm.inner_size"] = (uint)inner;
        }

        return keys;
    }

    private static void AddGemma4(Dictionary<string, object> keys, Settings config)
    {
        int heads = config.Whole("num_key_value_heads"), full = config.FullKeyHeads, width = config.Whole("intermediate_size");
        int layers = config.Whole("num_hidden_layers"), own = layers - config.Whole("num_kv_shared_layers");
        bool[] windowed = config.Windowed;
        keys["attention.sliding_window_pattern"] = windowed;
        keys["attention.head_count_kv"] = windowed.Select(window => window ? heads : full).ToArray();
        keys["feed_forward_length"] = Enumerable.Range(0, layers).Select(layer => layer < own ? width : 2 * width).ToArray();
        keys["attention.key_length_swa"] = keys["attention.value_length_swa"] = (uint)config.Head;
        keys["attention.key_length"] = keys["attention.value_length"] = keys["rope.dimension_count"] = (uint)config.FullHead;
        keys["rope.dimension_count_swa"] = (uint)config.Head;
        keys["rope.freq_base"] = (float)config.Theta("full_attention");
        keys["rope.freq_base_swa"] = (float)config.Theta("sliding_attention");
    }

    private static IEnumerable<(string Name, FloatTensor Tensor)> Tensors(string folder)
    {
        foreach (string path in Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using FileStream stream = File.OpenRead(path);
            SafetensorsHeader header = SafetensorsHeader.Read(stream, path);
            foreach (TensorEntry tensor in header.Tensors)
            {
                byte[] bytes = new byte[tensor.Length];
                stream.Position = tensor.Begin;
                stream.ReadExactly(bytes);
                float[] values = new float[tensor.ElementCount];
                WeightFormat.Of(tensor.Type)!.Widen(bytes, values);
                yield return (tensor.Name, new FloatTensor([.. tensor.Shape], values));
            }
        }
    }

    /// <summary>The settings of a configuration, those of the rotation among them.</summary>
    private sealed class Settings(JsonElement root)
    {
        /// <summary>Columns of a head.</summary>
        public int Head => Has("head_dim") ? Whole("head_dim") : Whole("hidden_size") / Whole("num_attention_heads");

        /// <summary>Whether each layer attends, of a model in which not all do; null where key heads are said once for all.</summary>
        public bool[]? Kinds => Find("hybrid_override_pattern") is { } pattern
            ? [.. pattern.GetString()!.Select(kind => kind == '*')]
            : Find("full_attn_idxs") is { } listed
                ? [.. Enumerable.Range(0, Whole("num_hidden_layers"))
                    .Select(layer => listed.EnumerateArray().Any(one => one.GetInt32() == layer))]
                : Find("layer_types") is { } types
                    && types.EnumerateArray().Any(type => type.GetString() is "conv" or "mamba")
                    ? [.. types.EnumerateArray().Select(type => type.GetString() is "full_attention" or "attention")]
                    : null;

        /// <summary>Whether each layer has the window.</summary>
        public bool[] Windowed => [.. Find("layer_types")!.Value.EnumerateArray().Select(type => type.GetString() == "sliding_attention")];

        /// <summary>Columns of a head of full layers, said for all of them or for each.</summary>
        public int FullHead => Find("global_head_dim")?.GetInt32() ?? OfFullLayers("head_dim");

        /// <summary>Key heads of full layers.</summary>
        public int FullKeyHeads => Has("per_layer_config") ? OfFullLayers("num_key_value_heads") : Whole("num_key_value_heads");

        /// <summary>The part of their heads that rotates.</summary>
        public double FullShare => Rotation("full_attention").GetProperty("partial_rotary_factor").GetDouble();

        /// <summary>The base of a rotation.</summary>
        public double Theta(string kind) => Rotation(kind).GetProperty("rope_theta").GetDouble();

        public bool Has(string name) => Find(name) is not null;

        public string Text(string name) => Find(name)!.Value.GetString()!;

        public double Number(string name) => Find(name)!.Value.GetDouble();

        public int Whole(string name) => Find(name)?.GetInt32() ?? 0;

        private JsonElement Rotation(string kind) => Find("rope_parameters")!.Value.GetProperty(kind);

        private int OfFullLayers(string name) =>
            Find("per_layer_config")!.Value.EnumerateObject().First().Value.GetProperty(name).GetInt32();

        private JsonElement? Find(string name) =>
            Of(root, name) ?? (Of(root, "rope_parameters") is { } rope ? Of(rope, name) : null);

        private static JsonElement? Of(JsonElement of, string name) =>
            of.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
