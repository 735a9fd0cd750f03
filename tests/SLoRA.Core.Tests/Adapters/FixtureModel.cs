using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>Fixture folders, and the modules of their models worked out from config.json alone, without the code under test.</summary>
internal static class FixtureModel
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> CoreModels =>
        Directory.GetDirectories(Root, "core-*").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);

    public static IEnumerable<string> Adapters(string model) =>
        Directory.GetDirectories(Path.Combine(Root, model, "adapters")).Select(path => Path.GetFileName(path)!)
            .Order(StringComparer.Ordinal);

    public static string AdapterPath(string model, string adapter) => Path.Combine(Root, model, "adapters", adapter);

    public static string BrokenPath(string name) => Path.Combine(Root, "broken-adapters", name);

    public static ImmutableArray<TargetModule> Targets(string model)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Root, model, "model", "config.json")));
        JsonElement config = document.RootElement;
        int hidden = Int("hidden_size"), inner = Int("intermediate_size"), heads = Int("num_attention_heads"),
            vocabulary = Int("vocab_size");
        int kvHeads = config.TryGetProperty("num_key_value_heads", out JsonElement kv) ? kv.GetInt32() : heads;
        int headDim = config.TryGetProperty("head_dim", out JsonElement dim) && dim.ValueKind == JsonValueKind.Number
            ? dim.GetInt32()
            : hidden / heads;
        bool qkvBias = config.GetProperty("model_type").GetString() == "qwen2" || Bool("attention_bias");
        var targets = ImmutableArray.CreateBuilder<TargetModule>();
        Add("model.embed_tokens", TargetKind.Embedding, -1, vocabulary, hidden);
        for (int layer = 0; layer < Int("num_hidden_layers"); layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Add(prefix + "self_attn.q_proj", TargetKind.Linear, layer, hidden, heads * headDim, qkvBias);
            Add(prefix + "self_attn.k_proj", TargetKind.Linear, layer, hidden, kvHeads * headDim, qkvBias);
            Add(prefix + "self_attn.v_proj", TargetKind.Linear, layer, hidden, kvHeads * headDim, qkvBias);
            Add(prefix + "self_attn.o_proj", TargetKind.Linear, layer, heads * headDim, hidden, Bool("attention_bias"));
            Add(prefix + "mlp.gate_proj", TargetKind.Linear, layer, hidden, inner, Bool("mlp_bias"));
            Add(prefix + "mlp.up_proj", TargetKind.Linear, layer, hidden, inner, Bool("mlp_bias"));
            Add(prefix + "mlp.down_proj", TargetKind.Linear, layer, inner, hidden, Bool("mlp_bias"));
        }

        Add("lm_head", TargetKind.Head, -1, hidden, vocabulary);
        if (config.TryGetProperty("tie_word_embeddings", out JsonElement tied) && tied.GetBoolean())
        {
            targets[^1] = targets[^1] with { StoredAs = "model.embed_tokens" };
        }

        return targets.ToImmutable();

        int Int(string key) => config.GetProperty(key).GetInt32();
        bool Bool(string key) => config.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.True;
        void Add(string name, TargetKind kind, int layer, int inFeatures, int outFeatures, bool hasBias = false) =>
            targets.Add(new TargetModule
            {
                Index = targets.Count,
                Name = name,
                Kind = kind,
                Layer = layer,
                InFeatures = inFeatures,
                OutFeatures = outFeatures,
                HasBias = hasBias,
            });
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "tests", "fixtures");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new DirectoryNotFoundException("tests/fixtures is not above the test assembly");
    }
}
