using System.Text.Json;

namespace SLoRA.Fidelity.Tests;

/// <summary>A folder with a model, adapters and what Hugging Face computes with them: <c>expected.json</c>.</summary>
internal sealed record FixtureFolder(string Path, IReadOnlyList<FixtureCase> Cases, int MaxNewTokens)
{
    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public string Name => System.IO.Path.GetFileName(Path.TrimEnd(System.IO.Path.DirectorySeparatorChar));

    /// <summary>The model's folder; a GGUF fixture keeps its one file beside the cases.</summary>
    public string Model => Directory.Exists(System.IO.Path.Combine(Path, "model")) ? System.IO.Path.Combine(Path, "model") : Path;

    /// <summary>Whether its model must be refused.</summary>
    public bool IsRefused => NotServed.Model(this);

    /// <summary>
    /// Whether so many shards must serve its model: it is stored in floating-point numbers, and has a query head for each of them.
    /// </summary>
    public bool Serves(int shards)
    {
        string path = System.IO.Path.Combine(Model, "config.json");
        if (IsRefused || !File.Exists(path))
        {
            return false;
        }

        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement text = config.RootElement.TryGetProperty("text_config", out JsonElement part) ? part : config.RootElement;
        return !config.RootElement.TryGetProperty("quantization_config", out _)
            && text.GetProperty("num_attention_heads").GetInt32() >= shards;
    }

    /// <summary>An adapter: its folder, or with the ending <c>.gguf</c> the same in one file.</summary>
    public string Adapter(string name) => System.IO.Path.Combine(Path, "adapters", name);

    /// <summary>
    /// The fixtures of the repository, and those of the folders that the environment variable SLORA_FIXTURES names: each is a fixture, or
    /// holds fixtures.
    /// </summary>
    public static IEnumerable<FixtureFolder> All()
    {
        string more = Environment.GetEnvironmentVariable("SLORA_FIXTURES") ?? "";
        string[] roots =
            [Repository.PathOf("tests", "fixtures"), .. more.Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)];
        return roots.SelectMany(Under);
    }

    public static FixtureFolder Read(string path)
    {
        using FileStream stream = File.OpenRead(System.IO.Path.Combine(path, "expected.json"));
        Expectations expected = JsonSerializer.Deserialize<Expectations>(stream, Json)!;
        return new FixtureFolder(path, expected.Cases ?? [], expected.MaxNewTokens);
    }

    private static IEnumerable<FixtureFolder> Under(string root)
    {
        if (IsFixture(root))
        {
            return [Read(root)];
        }

        return Directory.Exists(root) ? Directory.GetDirectories(root).Where(IsFixture).Order(StringComparer.Ordinal).Select(Read) : [];
    }

    private static bool IsFixture(string path) => File.Exists(System.IO.Path.Combine(path, "expected.json"));

    /// <param name="Cases">The cases; null in a file that expects something else.</param>
    /// <param name="MaxNewTokens">The limit of the cases of text.</param>
    private sealed record Expectations(IReadOnlyList<FixtureCase>? Cases, int MaxNewTokens);
}

/// <summary>One request and its answer.</summary>
internal sealed record FixtureCase
{
    public required string Name { get; init; }

    /// <summary>Adapters of the case, with weights; the demo's cases name one or none.</summary>
    public IReadOnlyList<WeightedAdapter> Adapters { get; init; } = [];

    public string? Adapter { get; init; }

    public required int[] Prompt { get; init; }

    public required int[] Greedy { get; init; }

    /// <summary>Names of the tensors of expected.safetensors; null for cases of text.</summary>
    public string? PromptLogits { get; init; }

    public string? StepLogits { get; init; }

    /// <summary>A conversation, for cases that go from text to text.</summary>
    public JsonElement? Messages { get; init; }

    public string? PromptText { get; init; }

    public string? Text { get; init; }

    public string? Finish { get; init; }

    public bool IsText => Messages is not null;

    /// <summary>The endings of the forms in which all adapters of the case are there: folders, and perhaps GGUF files.</summary>
    public IEnumerable<string> Forms(FixtureFolder folder) =>
        Adapters.Count > 0 && Adapters.All(adapter => File.Exists(folder.Adapter(adapter.Name + ".gguf"))) ? ["", ".gguf"] : [""];

    /// <summary>The adapter of the case that must be refused, in the folder of a model that is served; null if there is none.</summary>
    public string? RefusedAdapter(FixtureFolder folder) =>
        Adapters.Select(adapter => adapter.Name).FirstOrDefault(name => NotServed.Adapter(folder.Adapter(name)));
}

internal sealed record WeightedAdapter(string Name, float Weight);
