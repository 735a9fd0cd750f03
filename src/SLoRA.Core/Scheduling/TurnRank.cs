namespace SLoRA.Scheduling;

/// <summary>
/// What requests that never ran are compared by with sequences that were preempted, where these have no turn before all others.
/// </summary>
/// <param name="Priority">The priority.</param>
/// <param name="Given">What the account has been given, with what walks have gone past.</param>
/// <param name="HasReturned">Whether sequences of the account have been preempted: those go before its other requests.</param>
internal readonly record struct TurnRank(int Priority, double Given, bool HasReturned)
{
    /// <summary>Passes everybody.</summary>
    public static readonly TurnRank First = new(int.MaxValue, double.NegativeInfinity, false);

    /// <summary>Passes nobody.</summary>
    public static readonly TurnRank Last = new(int.MinValue, double.PositiveInfinity, true);

    /// <summary>The one of two that passes fewer.</summary>
    public static TurnRank Later(TurnRank a, TurnRank b)
    {
        int order = b.Priority.CompareTo(a.Priority);
        order = order != 0 ? order : a.Given.CompareTo(b.Given);
        order = order != 0 ? order : a.HasReturned.CompareTo(b.HasReturned);
        return order < 0 ? b : a;
    }

    /// <summary>Whether a request goes before a sequence that was preempted, of an account that has been given so much.</summary>
    public bool Passes(int priority, double given) =>
        Priority > priority || (Priority == priority && (Given < given || (Given == given && !HasReturned)));
}
