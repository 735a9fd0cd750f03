namespace SLoRA;

/// <summary>
/// Prefers requests for which the engine has already what they need. Within one priority, and under <see cref="FairShares"/> as far as
/// <see cref="FairShares.Slack"/> reaches, requests go first whose adapters are used by those that run, then those whose adapters are in
/// the pool, then the others; among equals those of whose prompt the most is cached.
/// </summary>
public sealed record LocalityPreference
{
    /// <summary>
    /// From how many distinct adapters in use on, those that are in use are preferred: what runs then shares few adapters, which leaves
    /// pages for keys and values. The base model counts as one. Null (the default) prefers none for that; at least 1.
    /// </summary>
    public int? RunningAdapters { get; init; }

    /// <summary>Whether adapters in the pool are preferred to those that must be brought there. The default is true.</summary>
    public bool ResidentAdapters { get; init; } = true;

    /// <summary>
    /// Whether prompts are preferred that begin with what the prefix cache holds. It is looked up for one of those that begin with the same
    /// page, when it comes, when one of them has been computed, and now and then. The default is true.
    /// </summary>
    public bool CachedPrefixes { get; init; } = true;
}
