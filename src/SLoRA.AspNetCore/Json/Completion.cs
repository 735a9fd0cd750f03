using System.Text.Json.Serialization;

namespace SLoRA.AspNetCore.Json;

/// <summary>The answer to a plain prompt, or a piece of it.</summary>
internal sealed record Completion(
    string Id, string Object, long Created, string Model, IReadOnlyList<CompletionChoice> Choices, Usage? Usage = null)
{
    /// <summary>The generation of the adapter that answered; none for the base, and in pieces before the last.</summary>
    public string? SystemFingerprint { get; init; }
}

/// <summary>One of the answers.</summary>
internal sealed record CompletionChoice(int Index, string Text)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public CompletionLogprobs? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }
}

/// <summary>How probable the tokens were, as parallel lists.</summary>
internal sealed record CompletionLogprobs(
    IReadOnlyList<string> Tokens,
    IReadOnlyList<float> TokenLogprobs,
    IReadOnlyList<Dictionary<string, float>> TopLogprobs,
    IReadOnlyList<int> TextOffset);
