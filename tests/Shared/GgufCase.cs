using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SLoRA.Tests;

/// <summary>A small model of an architecture: its configuration, and how a converter writes it.</summary>
internal sealed partial record GgufCase(string Class, GgufConversion Conversion, string Settings, (string Key, object Value)[] Keys)
{
    public const int Vocabulary = 61;
    public const int HeadDim = 16;

    public const string Attention =
        "self_attn.q_proj attn_q, self_attn.k_proj attn_k, self_attn.v_proj attn_v, self_attn.o_proj attn_output";

    public const string Before = "input_layernorm attn_norm, post_attention_layernorm ffn_norm";

    public const string Mlp = "mlp.gate_proj ffn_gate, mlp.up_proj ffn_up, mlp.down_proj ffn_down";

    public const string HeadNorms = "self_attn.q_norm attn_q_norm, self_attn.k_norm attn_k_norm";

    /// <summary>Tensors that the folder does not have.</summary>
    public (string Name, FloatTensor Tensor)[] Besides { get; init; } = [];

    /// <summary>Whether keys and values have heads of one size that the file states.</summary>
    public bool StatesHeads { get; init; } = true;

    /// <summary>The folder's configuration.</summary>
    public string Config
    {
        get
        {
            JsonObject config = JsonNode.Parse("{" + Settings + "}")!.AsObject();
            config["architectures"] = new JsonArray(Class);
            foreach ((string key, JsonNode value) in ((string, JsonNode)[])
            [
                ("dtype", "float32"), ("vocab_size", Vocabulary), ("hidden_size", 32), ("intermediate_size", 48),
                ("num_hidden_layers", 4), ("num_attention_heads", 4), ("num_key_value_heads", 2), ("head_dim", HeadDim),
                ("max_position_embeddings", 128), ("rms_norm_eps", 1e-5), ("tie_word_embeddings", false),
            ])
            {
                config.TryAdd(key, value);
            }

            if (!config.ContainsKey("rope_parameters") && !config.ContainsKey("rope_theta"))
            {
                config["rope_theta"] = 10000;
            }

            return config.ToJsonString();
        }
    }

    /// <summary>Experts one by one.</summary>
    public static string Experts(string block, string gate = "gate_proj", string up = "up_proj", string down = "down_proj") =>
        $"{block}.experts.{gate} ffn_gate_exps, {block}.experts.{up} ffn_up_exps, {block}.experts.{down} ffn_down_exps";

    public static string Shared(string name) =>
        $"{name}.gate_proj ffn_gate_shexp, {name}.up_proj ffn_up_shexp, {name}.down_proj ffn_down_shexp";

    public static Dictionary<string, string> NamesOf(params string[] lists) => lists
        .Prepend("model.embed_tokens token_embd, model.norm output_norm, lm_head output").SelectMany(list => list.Split(", "))
        .Select(pair => pair.Split(' ')).GroupBy(pair => pair[0]).ToDictionary(pair => pair.Key, pair => pair.Last()[1]);

    /// <summary>Whether a file has a name for a module of a layer, or for that of an expert.</summary>
    public bool Names(string module) => Conversion.Names.ContainsKey(ExpertNumber().Replace(module, ".experts."));

    /// <summary>An adapter's file.</summary>
    public byte[] WriteAdapter(IEnumerable<(string Name, FloatTensor Tensor)> factors)
    {
        GgufWriter writer = new GgufWriter().Key("general.architecture", Conversion.Architecture).Key("general.type", "adapter")
            .Key("adapter.type", "lora").Key("adapter.lora.alpha", 8f);
        foreach ((string name, FloatTensor tensor) in Conversion.Convert(factors))
        {
            writer.Tensor(name, 0, tensor.Bytes(), tensor.Shape);
        }

        return writer.Write();
    }

    /// <summary>The file.</summary>
    public byte[] Write(Dictionary<string, FloatTensor> tensors)
    {
        var keys = Keys.ToDictionary(pair => Whole(pair.Key), pair => pair.Value);
        foreach ((string key, object value) in ((string, object)[])
        [
            ("block_count", 4u), ("context_length", 128u), ("embedding_length", 32u), ("feed_forward_length", 48u),
            ("attention.head_count", 4u), ("attention.head_count_kv", 2u), ("vocab_size", (uint)Vocabulary),
            ("attention.layer_norm_rms_epsilon", 1e-5f),
            .. StatesHeads
                ? ((string, object)[])[("attention.key_length", (uint)HeadDim), ("attention.value_length", (uint)HeadDim)]
                : [],
        ])
        {
            keys.TryAdd(Whole(key), value);
        }

        GgufWriter writer = new GgufWriter().Key("general.architecture", Conversion.Architecture);
        foreach ((string key, object value) in keys)
        {
            writer.Key(key, value);
        }

        foreach ((string name, FloatTensor tensor) in tensors.Select(pair => (pair.Key, pair.Value)).Concat(Besides))
        {
            writer.Tensor(name, 0, tensor.Bytes(), tensor.Shape);
        }

        return writer.Write();

        string Whole(string key) => key.StartsWith("xielu", StringComparison.Ordinal) ? key : $"{Conversion.Architecture}.{key}";
    }

    /// <summary>What tells it from another of its class.</summary>
    public string Suffix { get; init; } = "";

    public override string ToString() => Class + Suffix;

    [GeneratedRegex(@"\.experts\.\d+\.")]
    private static partial Regex ExpertNumber();
}
