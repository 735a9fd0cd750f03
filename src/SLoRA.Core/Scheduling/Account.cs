namespace SLoRA.Scheduling;

/// <summary>What a client or an adapter has been given, in rows of prompts by its weight. Belongs to the engine's thread.</summary>
/// <param name="key">Its name.</param>
/// <param name="number">Its place among all accounts in the order in which they were opened: decides between equal counters.</param>
/// <param name="weight">Its share.</param>
/// <param name="allowance">What its quota leaves; null when it has none.</param>
/// <param name="slot">Where it is told of.</param>
internal sealed class Account(string key, long number, double weight, Allowance? allowance, AccountSlot slot) : HeapItem
{
    private readonly List<Flow> _flows = [];

    /// <summary>Its name.</summary>
    public string Key { get; } = key;

    /// <summary>What its quota leaves; null when it has none.</summary>
    public Allowance? Allowance { get; } = allowance;

    /// <summary>Where it is told of.</summary>
    public AccountSlot Slot { get; } = slot;

    /// <summary>What it has been given, as it counts in this step.</summary>
    public double Counter { get; private set; }

    /// <summary>What it has been given up to now: counts from the next step on.</summary>
    public double Total { get; private set; }

    /// <summary>What the walks of this step have gone past, if all of it were admitted.</summary>
    public double Walked { get; private set; }

    /// <summary>Whether walks of this step have gone past requests of it.</summary>
    public bool IsWalked { get; private set; }

    /// <summary>Its requests that wait and never ran.</summary>
    public int Waiting { get; set; }

    /// <summary>Its sequences that have been preempted and wait.</summary>
    public int Returned { get; set; }

    /// <summary>What those of its sequences hold that run, while <see cref="IsCounted"/>.</summary>
    public Holding Held { get; set; }

    /// <summary>Whether that has just been counted.</summary>
    public bool IsCounted { get; set; }

    /// <summary>Whether it is among those that could be forgotten.</summary>
    public bool IsIdle { get; set; }

    /// <summary>Whether the step to come has to look at it.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Its requests of each priority of which there ever was one.</summary>
    public List<Flow> Flows => _flows;

    /// <summary>By counter, then by who came first.</summary>
    public static int Compare(Account a, Account b)
    {
        int order = a.Counter.CompareTo(b.Counter);
        return order != 0 ? order : a.CompareNumber(b);
    }

    /// <summary>By all that they have been given up to now, then by who came first.</summary>
    public static int CompareTotals(Account a, Account b)
    {
        int order = a.Total.CompareTo(b.Total);
        return order != 0 ? order : a.CompareNumber(b);
    }

    /// <summary>Which was opened first.</summary>
    public int CompareNumber(Account other) => number.CompareTo(other.Number);

    /// <summary>Its requests of a priority.</summary>
    public Flow FlowOf(int priority)
    {
        foreach (Flow flow in _flows)
        {
            if (flow.Priority == priority)
            {
                return flow;
            }
        }

        var first = new Flow(this, priority);
        _flows.Add(first);
        return first;
    }

    /// <summary>It is given so much; less than zero when it has paid for what was not done.</summary>
    public void Charge(double amount) => Total += amount / weight;

    /// <summary>Nobody saves up.</summary>
    public void Lift(double least) => Total = Math.Max(Total, least);

    /// <summary>Which part of the whole a holding is, by its weight.</summary>
    public double ShareOf(Holding held, Holding whole) => held.ShareOf(whole) / weight;

    /// <summary>A walk goes past what would cost so much.</summary>
    public void Walk(double amount)
    {
        IsWalked = true;
        Walked += amount / weight;
    }

    /// <summary>The walks of a step count no more.</summary>
    public void ForgetWalks()
    {
        IsWalked = false;
        Walked = 0;
        Allowance?.ForgetWalks();
    }

    /// <summary>A step begins.</summary>
    public void Settle()
    {
        Counter = Total;
        IsTouched = false;
    }

    private long Number => number;
}
