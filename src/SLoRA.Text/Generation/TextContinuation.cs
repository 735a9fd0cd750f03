namespace SLoRA.Text;

/// <summary>One continuation of an answer.</summary>
/// <param name="Text">Its text, without the stop string that ended it.</param>
/// <param name="Tokens">Its tokens, in order, those included of which the text shows nothing.</param>
/// <param name="End">How it ended.</param>
public sealed record TextContinuation(string Text, IReadOnlyList<GeneratedToken> Tokens, ContinuationEnd End);
