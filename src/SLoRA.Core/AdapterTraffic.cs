namespace SLoRA;

/// <summary>What an adapter's name has served since it was registered; replacing the content goes on counting.</summary>
/// <param name="Requests">Requests that arrived for it.</param>
/// <param name="GeneratedTokens">Tokens of the sequences that have ended.</param>
/// <param name="Misses">Admitted requests that did not find it in the pool.</param>
public readonly record struct AdapterTraffic(long Requests, long GeneratedTokens, long Misses);
