namespace SLoRA.Scheduling;

/// <summary>The requests of one flow that have an <see cref="Affinity"/> in common. Belongs to the engine's thread.</summary>
/// <param name="flow">Whose they are.</param>
/// <param name="affinity">What they have in common.</param>
internal sealed class RequestGroup(Flow flow, Affinity affinity) : HeapItem
{
    private readonly Heap<Standing> _byKey = new(Standing.CompareKeys, Standing.ByKey);

    /// <summary>Whose they are.</summary>
    public Flow Flow { get; } = flow;

    /// <summary>What they have in common.</summary>
    public Affinity Affinity { get; } = affinity;

    /// <summary>All that wait, those included that are not ready and those that have been reached.</summary>
    public int Waiting { get; set; }

    /// <summary>The one that goes first of those that are ready and have not been reached; null when there is none.</summary>
    public Standing? First => _byKey.First;

    /// <summary>Which of two groups of a flow goes first: that for which the engine has more, then that of the lowest key.</summary>
    public static int Compare(RequestGroup a, RequestGroup b)
    {
        int order = Affinity.Compare(a.Affinity, b.Affinity);
        return order != 0 ? order : Standing.CompareKeys(a.First!, b.First!);
    }

    /// <summary>Puts a request in.</summary>
    public void Add(Standing standing) => _byKey.Add(standing);

    /// <summary>Takes a request out.</summary>
    public void Remove(Standing standing) => _byKey.Remove(standing);
}
