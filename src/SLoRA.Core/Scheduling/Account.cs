namespace SLoRA.Scheduling;

/// <summary>What a client or an adapter has been given, in rows of prompts by its weight. Belongs to the engine's thread.</summary>
/// <param name="key">Its name.</param>
/// <param name="number">Its place among all accounts in the order in which they were opened: decides between equal counters.</param>
/// <param name="weight">Its share.</param>
/// <param name="allowance">What its quota leaves; null when it has none.</param>
internal sealed class Account(string key, long number, double weight, Allowance? allowance) : HeapItem
{
    private readonly Flow?[] _flows = new Flow?[(2 * GenerationOptions.MaxPriority) + 1];
    private Standing? _newest;

    /// <summary>Its name.</summary>
    public string Key { get; } = key;

    /// <summary>What its quota leaves; null when it has none.</summary>
    public Allowance? Allowance { get; } = allowance;

    /// <summary>What it has been given, as it counts in this step.</summary>
    public double Counter { get; private set; }

    /// <summary>What it has been given up to now: counts from the next step on.</summary>
    public double Total { get; private set; }

    /// <summary>What the walks of this step have gone past, if all of it were admitted.</summary>
    public double Walked { get; private set; }

    /// <summary>Whether walks of this step have gone past requests of it.</summary>
    public bool IsWalked { get; private set; }

    /// <summary>Its requests that wait and never ran.</summary>
    public int Waiting { get; private set; }

    /// <summary>The one of them that has waited longest; null when there is none.</summary>
    public Standing? Oldest { get; private set; }

    /// <summary>Rows of prompts that have been computed for it.</summary>
    public long PromptRows { get; set; }

    /// <summary>Tokens that have been computed for it.</summary>
    public long Tokens { get; set; }

    /// <summary>Its requests that were given up because of their first-token targets.</summary>
    public long Aborted { get; set; }

    /// <summary>Whether it is among those that could be forgotten.</summary>
    public bool IsIdle { get; set; }

    /// <summary>Whether the step to come has to look at it.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Its requests of each priority; null where there never was one.</summary>
    public ReadOnlySpan<Flow?> Flows => _flows;

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
    public Flow FlowOf(int priority) => _flows[priority + GenerationOptions.MaxPriority] ??= new Flow(this, priority);

    /// <summary>It is given so much; less than zero when it has paid for what was not done.</summary>
    public void Charge(double amount) => Total += amount / weight;

    /// <summary>Nobody saves up.</summary>
    public void Lift(double least) => Total = Math.Max(Total, least);

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

    /// <summary>A request waits: later than all others that do.</summary>
    public void Add(Standing standing)
    {
        standing.Older = _newest;
        if (_newest is { } newest)
        {
            newest.Newer = standing;
        }

        Oldest ??= standing;
        _newest = standing;
        Waiting++;
    }

    /// <summary>A request waits no more.</summary>
    public void Remove(Standing standing)
    {
        if (standing.Older is { } older)
        {
            older.Newer = standing.Newer;
        }
        else
        {
            Oldest = standing.Newer;
        }

        if (standing.Newer is { } newer)
        {
            newer.Older = standing.Older;
        }
        else
        {
            _newest = standing.Older;
        }

        (standing.Older, standing.Newer) = (null, null);
        Waiting--;
    }

    /// <summary>A step begins.</summary>
    public void Settle()
    {
        Counter = Total;
        IsTouched = false;
    }

    private long Number => number;
}
