namespace SLoRA;

/// <summary>How probable a token of the prompt was after those before it.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">The natural logarithm of its probability.</param>
/// <param name="Top">The most probable tokens in its place, most probable first.</param>
public sealed record PromptTokenLogProbability(int Id, float LogProbability, IReadOnlyList<TokenLogProbability> Top);
