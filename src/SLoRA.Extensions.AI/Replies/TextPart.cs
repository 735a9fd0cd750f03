namespace SLoRA.Extensions.AI.Replies;

/// <summary>A further piece of the text that is meant for the user. The pieces joined are the text.</summary>
/// <param name="Text">Never empty, and never half of a surrogate pair, unless the model itself wrote half of one.</param>
public sealed record TextPart(string Text) : ReplyPart;
