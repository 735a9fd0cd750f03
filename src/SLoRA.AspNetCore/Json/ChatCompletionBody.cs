using System.Text.Json;

namespace SLoRA.AspNetCore.Json;

/// <summary>The body of <c>/v1/chat/completions</c>.</summary>
internal sealed class ChatCompletionBody : GenerationBody
{
    public JsonElement? Messages { get; set; }

    public int? MaxCompletionTokens { get; set; }

    public bool? Logprobs { get; set; }

    public int? TopLogprobs { get; set; }

    public JsonElement? Tools { get; set; }

    public JsonElement? ToolChoice { get; set; }

    public bool? ParallelToolCalls { get; set; }

    public JsonElement? ResponseFormat { get; set; }

    public string? ReasoningEffort { get; set; }
}
