using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary>A conversation that is to be answered.</summary>
/// <param name="Messages">What was said, oldest first.</param>
/// <param name="Tools">What the model may call.</param>
internal sealed record ChatPrompt(IReadOnlyList<TemplateMessage> Messages, ToolSet Tools)
{
    /// <summary>How much the model is to think, for templates that ask; null to say nothing.</summary>
    public string? ReasoningEffort { get; init; }
}
