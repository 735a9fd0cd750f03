namespace SLoRA.Pool;

/// <summary>What has been asked of the prefix cache, and what it had.</summary>
/// <param name="Lookups">Sequences that were admitted after looking.</param>
/// <param name="Hits">Those that were given pages.</param>
/// <param name="LookupTokens">Tokens that were looked for.</param>
/// <param name="HitTokens">Tokens whose keys and values were there.</param>
internal readonly record struct PrefixCounters(long Lookups, long Hits, long LookupTokens, long HitTokens);
