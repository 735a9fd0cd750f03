using System.Collections.Concurrent;
using System.Text.Json;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// One file of what transformers + PEFT compute: conversations, long contexts, a mix of requests or perplexities, each with its own parts.
/// </summary>
internal sealed record ReferenceFile
{
    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly ConcurrentDictionary<string, ReferenceFile> Cache = new();

    /// <summary>Type of the base weights: f32, bf16; null when the file does not say, or has several.</summary>
    public string? BaseWeights { get; init; }

    /// <summary>Indices of the greedy tokens whose logits are recorded.</summary>
    public int[] LogitSteps { get; init; } = [];

    /// <summary>Tokens that every case's prompt begins with.</summary>
    public int[] PrefixIds { get; init; } = [];

    public IReadOnlyList<ReferenceCase> Cases { get; init; } = [];

    public IReadOnlyList<ReferenceCase> Requests { get; init; } = [];

    /// <summary>A text whose perplexity is given, cut into windows of <see cref="Window"/>; 0 is one window.</summary>
    public int[] Ids { get; init; } = [];

    public int Window { get; init; }

    public string? Text { get; init; }

    /// <summary>Type of the base weights, then adapter (or base).</summary>
    public IReadOnlyDictionary<string, Dictionary<string, ReferencePerplexity>> Weights { get; init; } =
        new Dictionary<string, Dictionary<string, ReferencePerplexity>>();

    public static ReferenceFile Read(string path) => Cache.GetOrAdd(path, static path =>
    {
        using FileStream stream = File.OpenRead(path);
        return JsonSerializer.Deserialize<ReferenceFile>(stream, Json)!;
    });

    public ReferenceCase Case(string name) => Cases.Concat(Requests).Single(candidate => candidate.Name == name);
}

/// <summary>One request and its answer.</summary>
internal sealed record ReferenceCase
{
    public required string Name { get; init; }

    public IReadOnlyList<WeightedAdapter> Adapters { get; init; } = [];

    /// <summary>The prompt as text, the chat template applied; other kinds of files have ids here, and are not for these tests.</summary>
    public JsonElement Prompt { get; init; }

    public string? PromptText => Prompt.ValueKind == JsonValueKind.String ? Prompt.GetString() : null;

    public int[] PromptIds { get; init; } = [];

    /// <summary>What follows the file's prefix.</summary>
    public int[] BranchIds { get; init; } = [];

    public int[] GreedyIds { get; init; } = [];

    /// <summary>The index of the first token that ends the answer; null when none does.</summary>
    public int? Stop { get; init; }

    /// <summary>What comes before it.</summary>
    public string? Text { get; init; }

    /// <summary>Places in prompt and answer after which logits are recorded.</summary>
    public int[] Positions { get; init; } = [];

    /// <summary>The step before which the request arrives.</summary>
    public int ArrivalStep { get; init; }
}

/// <summary>Mean negative log-likelihoods of a text.</summary>
internal sealed record ReferencePerplexity
{
    public required double MeanNll { get; init; }

    [System.Text.Json.Serialization.JsonPropertyName("mean_nll_first_256")]
    public double? MeanNllFirst256 { get; init; }

    public double[] WindowNll { get; init; } = [];
}
