namespace SLoRA;

/// <summary>One continuation of an answer.</summary>
/// <param name="Tokens">Its tokens, in order.</param>
/// <param name="End">How it ended.</param>
public sealed record GeneratedContinuation(IReadOnlyList<GeneratedToken> Tokens, ContinuationEnd End);
