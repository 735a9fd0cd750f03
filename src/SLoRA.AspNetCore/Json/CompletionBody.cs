using System.Text.Json;

namespace SLoRA.AspNetCore.Json;

/// <summary>The body of <c>/v1/completions</c>.</summary>
internal sealed class CompletionBody : GenerationBody
{
    /// <summary>A text, a list of ids, or a list with one of either.</summary>
    public JsonElement? Prompt { get; set; }

    public int? Logprobs { get; set; }

    public int? BestOf { get; set; }

    public bool? Echo { get; set; }
}
