using System.Text.Json;
using System.Text.Json.Serialization;

namespace SLoRA.AspNetCore.Json;

/// <summary>What the bodies of both kinds of completion have in common: OpenAI's members, and vLLM's for sampling.</summary>
internal abstract class GenerationBody
{
    public string? Model { get; set; }

    public int? N { get; set; }

    /// <summary>A text, or a list of them.</summary>
    public JsonElement? Stop { get; set; }

    public long? Seed { get; set; }

    public float? Temperature { get; set; }

    public float? TopP { get; set; }

    public float? PresencePenalty { get; set; }

    public float? FrequencyPenalty { get; set; }

    public Dictionary<string, float>? LogitBias { get; set; }

    public int? MaxTokens { get; set; }

    public bool? Stream { get; set; }

    public StreamOptionsBody? StreamOptions { get; set; }

    public int? TopK { get; set; }

    public float? MinP { get; set; }

    public float? RepetitionPenalty { get; set; }

    public bool? IgnoreEos { get; set; }

    public int[]? StopTokenIds { get; set; }

    /// <summary>Everything else.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>What a stream shows besides its chunks.</summary>
internal sealed class StreamOptionsBody
{
    public bool? IncludeUsage { get; set; }

    public bool? IncludeObfuscation { get; set; }
}
