namespace SLoRA;

/// <summary>The cache of prefixes since the engine was built.</summary>
/// <param name="Lookups">Sequences that looked for the beginning of their tokens.</param>
/// <param name="Hits">Those that found some of it.</param>
/// <param name="LookupTokens">Tokens that were looked for.</param>
/// <param name="HitTokens">Tokens whose keys and values were there.</param>
public readonly record struct PrefixCacheStatus(long Lookups, long Hits, long LookupTokens, long HitTokens)
{
    /// <summary>The share of tokens that were there, from 0 to 1; 0 when nothing was looked for yet.</summary>
    public double HitRate => LookupTokens == 0 ? 0 : (double)HitTokens / LookupTokens;
}
