namespace SLoRA;

/// <summary>A token and the natural logarithm of its probability.</summary>
/// <param name="TokenId">The token.</param>
/// <param name="LogProbability">At most 0; negative infinity for a token that cannot occur.</param>
public readonly record struct TokenLogProbability(int TokenId, float LogProbability);
