using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// What requests have in common for which the engine may have something already: their adapters, and the first page of their prompts.
/// Belongs to the engine's thread.
/// </summary>
/// <param name="adapter">The adapters.</param>
/// <param name="prefix">A hash of the first page and the salt; 0 when that does not matter.</param>
internal sealed class Affinity(AdapterAffinity adapter, int prefix)
{
    /// <summary>Shared by all requests when nothing is preferred.</summary>
    public static Affinity None { get; } = new(new AdapterAffinity(""), 0);

    /// <summary>The adapters.</summary>
    public AdapterAffinity Adapter { get; } = adapter;

    /// <summary>A hash of the first page and the salt; 0 when that does not matter.</summary>
    public int Prefix { get; } = prefix;

    /// <summary>Where such requests wait.</summary>
    public List<RequestGroup> Groups { get; } = [];

    /// <summary>Leading tokens of the prompt that one of them would have found in the prefix cache when it was looked up last.</summary>
    public int CachedTokens { get; set; }

    /// <summary>Whether it is to be looked up when the next step begins.</summary>
    public bool IsStale { get; set; }

    /// <summary>For which of two the engine has more; 0 for equals.</summary>
    public static int Compare(Affinity a, Affinity b)
    {
        int order = a.Adapter.Rank.CompareTo(b.Adapter.Rank);
        return order != 0 ? order : b.CachedTokens.CompareTo(a.CachedTokens);
    }

    /// <summary>One of the requests that wait; null when all of them have been reached in this step.</summary>
    public Sequence? Example
    {
        get
        {
            foreach (RequestGroup group in Groups)
            {
                if (group.First is { } first)
                {
                    return first.Sequence;
                }
            }

            return null;
        }
    }
}

/// <summary>What the engine has of the adapters of some requests. Belongs to the engine's thread.</summary>
/// <param name="names">Their names.</param>
internal sealed class AdapterAffinity(string names)
{
    /// <summary>Their names.</summary>
    public string Names { get; } = names;

    /// <summary>The affinities of which they are a part.</summary>
    public List<Affinity> Affinities { get; } = [];

    /// <summary>Running sequences that use them.</summary>
    public int Running { get; set; }

    /// <summary>Whether they are in the pool or on their way.</summary>
    public bool IsResident { get; set; }

    /// <summary>0 for those in use that are preferred, 1 for those in the pool, 2 for the others.</summary>
    public int Rank { get; set; } = 2;
}
