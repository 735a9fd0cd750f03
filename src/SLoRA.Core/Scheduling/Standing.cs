using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>How a request stands in a <see cref="PolicyOrder"/>, from its arrival on.</summary>
/// <param name="sequence">Its first sequence, the one that waits before it runs.</param>
/// <param name="group">Whose it is, and what it has in common with others.</param>
/// <param name="key">Lower goes first within the group.</param>
internal sealed class Standing(Sequence sequence, RequestGroup group, long key) : HeapItem
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

    /// <summary>How the request of a sequence stands.</summary>
    public static Standing Of(Sequence sequence) => (Standing)sequence.Request.Standing!;

    /// <summary>What it has in common with others of its flow.</summary>
    public RequestGroup Group { get; } = group;

    /// <summary>Whose it is.</summary>
    public Flow Flow => Group.Flow;

    /// <summary>Whose work it is.</summary>
    public Account Account => Group.Flow.Account;

    /// <summary>Lower goes first within the group.</summary>
    public long Key { get; } = key;

    /// <summary>Timestamp until which its first token is wanted; 0 for no particular time.</summary>
    public long Due { get; init; }

    /// <summary>Whether it waits and has never run.</summary>
    public bool IsWaiting { get; set; } = true;

    /// <summary>Whether it is not known to lack content.</summary>
    public bool IsReady { get; set; }

    /// <summary>Its place among those that walks have reached since the step began.</summary>
    public int Reached { get; set; } = Unreached;

    /// <summary>Whether walks of this step have counted it as if it had been admitted.</summary>
    public bool IsWalked { get; set; }

    /// <summary>Whether a walk of this step has reached it although the quota of its account does not let it run.</summary>
    public bool IsOverQuota { get; set; }

    /// <summary>Rows of its prompt that have been charged and not been computed yet.</summary>
    public int Prepaid { get; set; }

    /// <summary>Rows that have been computed for it, those counted twice that were computed twice.</summary>
    public long Computed { get; set; }

    /// <summary>Its sequences that have been preempted and wait.</summary>
    public int Returned { get; set; }

    /// <summary>Timestamp since when there have been some.</summary>
    public long ReturnedSince { get; set; }

    /// <summary>Whether they had waited for too long when some step began: it goes first, and makes way for nobody any more.</summary>
    public bool HasWaitedAgain { get; set; }

    /// <summary>What it was compared by with sequences that were preempted, when it was reached.</summary>
    public TurnRank Rank { get; set; }

    /// <summary>The step in which one of its sequences was last seen running.</summary>
    public long SeenRunning { get; set; }

    /// <summary>Those of its account that came before and after it and wait too.</summary>
    public Standing? Older { get; set; }

    /// <inheritdoc cref="Older"/>
    public Standing? Newer { get; set; }

    /// <summary>The most rows that it needs: prompt and limit of tokens of every continuation.</summary>
    public long Rows => Sequence.PromptLength + ((long)Continuations * Sequence.Request.Stream.MaxTokens);

    /// <summary>Its continuations.</summary>
    public int Continuations => Sequence.Request.Asked.Continuations;

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
