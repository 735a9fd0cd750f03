using System.Text.Json;
using System.Text.Json.Serialization;

namespace SLoRA.AspNetCore.Json;

/// <summary>The body of <c>/tokenize</c>: a prompt, or messages with tools.</summary>
internal sealed class TokenizeBody
{
    public string? Model { get; set; }

    public string? Prompt { get; set; }

    public JsonElement? Messages { get; set; }

    public JsonElement? Tools { get; set; }

    public bool? AddSpecialTokens { get; set; }

    public bool? AddGenerationPrompt { get; set; }

    public bool? ReturnTokenStrs { get; set; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>The answer of <c>/tokenize</c>.</summary>
internal sealed record TokenizeAnswer(int Count, int MaxModelLen, int[] Tokens, string[]? TokenStrs);

/// <summary>The body of <c>/detokenize</c>.</summary>
internal sealed class DetokenizeBody
{
    public string? Model { get; set; }

    public JsonElement? Tokens { get; set; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>The answer of <c>/detokenize</c>.</summary>
internal sealed record DetokenizeAnswer(string Prompt);
