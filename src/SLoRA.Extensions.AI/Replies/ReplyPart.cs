namespace SLoRA.Extensions.AI.Replies;

/// <summary>
/// What a model's answer was found to hold: <see cref="TextPart"/>, <see cref="ReasoningPart"/> or <see cref="ToolCallPart"/>.
/// </summary>
public abstract record ReplyPart
{
    private protected ReplyPart()
    {
    }
}
