namespace SLoRA.Extensions.AI.Replies;

/// <summary>A further piece of what the model thought before it answered. The pieces joined are the thoughts.</summary>
/// <param name="Text">Never empty, and never half of a surrogate pair, unless the model itself wrote half of one.</param>
public sealed record ReasoningPart(string Text) : ReplyPart;
