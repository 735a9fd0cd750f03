using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>
/// Adapters for <c>core-llama-gqa</c> of kinds and in forms that the fixture has none of. Each is made when it is first asked for, and gone
/// with the process.
/// </summary>
internal static class MadeAdapters
{
    private const string Fixture = "core-llama-gqa";
    private const int Vocabulary = 261;
    private const int Width = 64;
    private const int HeadDim = 16;
    private const int Rank = 4;

    private static readonly ImmutableDictionary<string, Action<string>> Makers = new Dictionary<string, Action<string>>
    {
        ["made-own-parts"] = MakeOwnParts,
        ["made-added-tokens"] = MakeAddedTokens,
        ["made-mlx"] = folder => MlxFolder.Of(FixtureModel.AdapterPath(Fixture, "wide")).Write(folder),
        ["made-gguf"] = MakeGguf,
    }.ToImmutableDictionary();

    private static readonly Lazy<string> Root = new(() =>
    {
        // Not below the tests: a child process knows no test.
        string root = Directory.CreateTempSubdirectory("slora-made-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        return root;
    });

    private static readonly ImmutableDictionary<string, Lazy<string>> Places = Makers.ToImmutableDictionary(pair => pair.Key, pair =>
        new Lazy<string>(() =>
        {
            string folder = Directory.CreateDirectory(Path.Combine(Root.Value, pair.Key)).FullName;
            pair.Value(folder);
            return pair.Key == "made-gguf" ? Path.Combine(folder, "adapter.gguf") : folder;
        }));

    /// <summary>Their names.</summary>
    public static ImmutableArray<string> Names { get; } = [.. Makers.Keys.Order(StringComparer.Ordinal)];

    /// <summary>What engines are given to load one; null for what is none of these.</summary>
    public static string? Find(string name) => Places.GetValueOrDefault(name)?.Value;

    /// <summary>LoRA beside norms and linear modules that are the adapter's own.</summary>
    private static void MakeOwnParts(string folder)
    {
        var model = new ChangedModel(Fixture);
        var random = new Random(3);
        TestAdapter adapter = Query(random);
        adapter.Config["modules_to_save"] = new JsonArray("layernorm", "model.norm", "1.self_attn.o_proj");
        foreach (string name in model.Names.Where(name => name.Contains("norm", StringComparison.Ordinal)
            || name.EndsWith("1.self_attn.o_proj.weight", StringComparison.Ordinal)))
        {
            float[] values = [.. model.Values(name).Select(value => value * (0.8f + (0.4f * random.NextSingle())))];
            adapter.Tensors.Add(("base_model.model." + name, "F32", model.ShapeOf(name), TestAdapter.Bytes(TensorType.F32, values)));
        }

        adapter.Write(folder);
    }

    /// <summary>LoRA beside three tokens that the model does not have, which answers may contain.</summary>
    private static void MakeAddedTokens(string folder)
    {
        var random = new Random(4);
        TestAdapter adapter = Query(random);
        int[] tokens = [Vocabulary, Vocabulary + 1, Vocabulary + 2];
        adapter.Config["trainable_token_indices"] = new JsonObject
        {
            ["embed_tokens"] = new JsonArray([.. tokens.Select(token => JsonValue.Create(token))]),
            ["lm_head"] = new JsonArray([.. tokens.Select(token => JsonValue.Create(token))]),
        };
        foreach (string module in (string[])["model.embed_tokens", "lm_head"])
        {
            float[] rows = [.. Enumerable.Range(0, tokens.Length * Width).Select(_ => (random.NextSingle() - 0.5f) * 0.4f)];
            adapter.Tensors.Add(($"base_model.model.{module}.token_adapter.trainable_tokens_delta", "F32", [tokens.Length, Width],
                TestAdapter.Bytes(TensorType.F32, rows)));
        }

        adapter.Write(folder);
    }

    /// <summary>The adapter <c>qv</c> as llama.cpp's converter writes it: rows of B of queries in the order of its heads.</summary>
    private static void MakeGguf(string folder)
    {
        string peft = FixtureModel.AdapterPath(Fixture, "qv");
        JsonElement config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(peft, "adapter_config.json"))).RootElement;
        GgufWriter writer = new GgufWriter().Key("general.architecture", "llama").Key("general.type", "adapter")
            .Key("adapter.type", "lora").Key("adapter.lora.alpha", (float)config.GetProperty("lora_alpha").GetDouble());
        byte[] file = File.ReadAllBytes(Path.Combine(peft, "adapter_model.safetensors"));
        foreach (TensorEntry tensor in SafetensorsWriter.Read(file).Tensors)
        {
            string[] parts = tensor.Name.Split('.');
            bool isQuery = tensor.Name.Contains("q_proj", StringComparison.Ordinal), isA = parts[^2] == "lora_A";
            byte[] data = file.AsSpan((int)tensor.Begin, (int)tensor.Length).ToArray();
            writer.Tensor(
                $"blk.{parts[4]}.attn_{(isQuery ? "q" : "v")}.weight.lora_{(isA ? "a" : "b")}", 0,
                isQuery && !isA ? ByHalves(data, (int)tensor.Shape[0]) : data, [.. tensor.Shape]);
        }

        File.WriteAllBytes(Path.Combine(folder, "adapter.gguf"), writer.Write());
    }

    /// <summary>Of each head the first and the second half in turns, row by row.</summary>
    private static byte[] ByHalves(byte[] rows, int count)
    {
        byte[] result = new byte[rows.Length];
        int size = rows.Length / count, half = HeadDim / 2;
        for (int row = 0; row < count; row++)
        {
            (int head, int within) = (row / HeadDim, row % HeadDim);
            int to = (head * HeadDim) + (2 * (within % half)) + (within / half);
            rows.AsSpan(row * size, size).CopyTo(result.AsSpan(to * size));
        }

        return result;
    }

    /// <summary>LoRA on the queries of one layer.</summary>
    private static TestAdapter Query(Random random)
    {
        const string Module = "base_model.model.model.layers.1.self_attn.q_proj";
        var adapter = new TestAdapter();
        adapter.Config["target_modules"] = new JsonArray("layers.1.self_attn.q_proj");
        adapter.Add(Module + ".lora_A.weight", TensorType.F32, [Rank, Width], random);
        adapter.Add(Module + ".lora_B.weight", TensorType.F32, [Width, Rank], random);
        return adapter;
    }
}
