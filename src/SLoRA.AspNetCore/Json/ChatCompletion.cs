using System.Text.Json.Serialization;

namespace SLoRA.AspNetCore.Json;

/// <summary>A whole answer, or with <see cref="ChatChoice.Delta"/> a piece of one.</summary>
internal sealed record ChatCompletion(
    string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage? Usage = null)
{
    /// <summary>The generation of the adapter that answered; none for the base, and in pieces before the last.</summary>
    public string? SystemFingerprint { get; init; }
}

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice(int Index)
{
    public ChatMessage? Message { get; init; }

    public ChatDelta? Delta { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ChatLogprobs? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }
}

/// <summary>What the assistant says.</summary>
internal sealed record ChatMessage(string Role, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Content)
{
    public string? ReasoningContent { get; init; }

    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }
}

/// <summary>A piece of what the assistant says.</summary>
internal sealed record ChatDelta
{
    public string? Role { get; init; }

    public string? Content { get; init; }

    public string? ReasoningContent { get; init; }

    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }
}

/// <summary>A call of a function. <see cref="Index"/> is told in pieces alone.</summary>
internal sealed record ChatToolCall(int? Index, string Id, string Type, ChatFunctionCall Function);

/// <summary>The function and its arguments, a JSON object as text.</summary>
internal sealed record ChatFunctionCall(string Name, string Arguments);

/// <summary>How probable the tokens of an answer were.</summary>
internal sealed record ChatLogprobs(IReadOnlyList<TokenLogprob> Content);

/// <summary>One token; its text has replacement characters where its bytes are part of a character, the bytes are exact.</summary>
internal sealed record TokenLogprob(string Token, float Logprob, int[] Bytes)
{
    public IReadOnlyList<TokenLogprob>? TopLogprobs { get; init; }
}
