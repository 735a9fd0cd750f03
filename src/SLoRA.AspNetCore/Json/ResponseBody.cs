using System.Text.Json;

namespace SLoRA.AspNetCore.Json;

/// <summary>The body of <c>/v1/responses</c>.</summary>
internal sealed class ResponseBody : GenerationBody
{
    /// <summary>A text, or a list of items.</summary>
    public JsonElement? Input { get; set; }

    public string? Instructions { get; set; }

    public int? MaxOutputTokens { get; set; }

    public int? TopLogprobs { get; set; }

    public JsonElement? Tools { get; set; }

    public JsonElement? ToolChoice { get; set; }

    public bool? ParallelToolCalls { get; set; }

    public TextBody? Text { get; set; }

    public ReasoningBody? Reasoning { get; set; }

    public string[]? Include { get; set; }
}

/// <summary>The form of the text.</summary>
internal sealed class TextBody
{
    public JsonElement? Format { get; set; }

    public string? Verbosity { get; set; }
}

/// <summary>How much is thought. A summary of thoughts is not made: they are shown themselves.</summary>
internal sealed class ReasoningBody
{
    public string? Effort { get; set; }

    public string? Summary { get; set; }
}
