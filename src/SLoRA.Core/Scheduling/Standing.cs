using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>How a request stands in a <see cref="PolicyOrder"/>, from its arrival on.</summary>
/// <param name="sequence">Its first sequence, the one that waits before it runs.</param>
/// <param name="flow">Whose it is.</param>
/// <param name="key">Lower goes first within the flow.</param>
internal sealed class Standing(Sequence sequence, Flow flow, long key) : HeapItem
{
    /// <summary>Kind of heap: by <see cref="Key"/>, or, when it is not ready, by what comes first of all that are not.</summary>
    public const int ByKey = 0;

    /// <summary>Kind of heap: by arrival.</summary>
    public const int ByArrival = 1;

    /// <summary>Kind of heap: by <see cref="Due"/>.</summary>
    public const int ByDue = 2;

    /// <summary>Not reached by a walk since the step began.</summary>
    public const int Unreached = -1;

    /// <summary>The sequence.</summary>
    public Sequence Sequence { get; } = sequence;

    /// <summary>Whose it is.</summary>
    public Flow Flow { get; } = flow;

    /// <summary>Lower goes first within the flow.</summary>
    public long Key { get; } = key;

    /// <summary>Timestamp until which its first token is wanted; 0 for no particular time.</summary>
    public long Due { get; init; }

    /// <summary>Whether it waits and has never run.</summary>
    public bool IsWaiting { get; set; } = true;

    /// <summary>Whether it is not known to lack content.</summary>
    public bool IsReady { get; set; }

    /// <summary>Its place among those that walks have reached since the step began.</summary>
    public int Reached { get; set; } = Unreached;

    /// <summary>Rows of its prompt that have been charged and not been computed yet.</summary>
    public int Prepaid { get; set; }

    /// <summary>Within a flow: lower keys first, then who has come first.</summary>
    public static int CompareKeys(Standing a, Standing b)
    {
        int order = a.Key.CompareTo(b.Key);
        return order != 0 ? order : CompareArrivals(a, b);
    }

    /// <summary>Who has come first.</summary>
    public static int CompareArrivals(Standing a, Standing b) => a.Sequence.Request.Arrival.CompareTo(b.Sequence.Request.Arrival);

    /// <summary>Whose target ends first.</summary>
    public static int CompareDues(Standing a, Standing b)
    {
        int order = a.Due.CompareTo(b.Due);
        return order != 0 ? order : CompareArrivals(a, b);
    }

    /// <summary>Among all that no walk has reached: by class, by what the account has been given, within the flow.</summary>
    public static int CompareFlows(Standing a, Standing b)
    {
        int order = b.Flow.Priority.CompareTo(a.Flow.Priority);
        order = order != 0 ? order : Account.Compare(a.Flow.Account, b.Flow.Account);
        return order != 0 ? order : CompareKeys(a, b);
    }

    /// <summary>Among those that are not ready, by what never changes while they wait: by class, then who has come first.</summary>
    public static int CompareUnready(Standing a, Standing b)
    {
        int order = b.Flow.Priority.CompareTo(a.Flow.Priority);
        return order != 0 ? order : CompareArrivals(a, b);
    }
}
