namespace SLoRA.Scheduling;

/// <summary>The requests of one account and one priority that are ready to run. Belongs to the engine's thread.</summary>
/// <param name="account">Whose they are.</param>
/// <param name="priority">Their priority.</param>
internal sealed class Flow(Account account, int priority) : HeapItem
{
    /// <summary>Kind of heap: by whose turn it is.</summary>
    public const int ByTurn = 0;

    /// <summary>Kind of heap: by <see cref="Since"/>.</summary>
    public const int BySince = 1;

    /// <summary>Kind of heap: by <see cref="AffordableAt"/>.</summary>
    public const int ByQuota = 2;

    private readonly Dictionary<Affinity, RequestGroup> _all = new(ReferenceEqualityComparer.Instance);
    private readonly Heap<RequestGroup> _groups = new(RequestGroup.Compare, 0);
    private readonly Heap<Standing> _byArrival = new(Standing.CompareArrivals, Standing.ByArrival);

    /// <summary>Whose they are.</summary>
    public Account Account { get; } = account;

    /// <summary>Their priority.</summary>
    public int Priority { get; } = priority;

    /// <summary>Those that are ready and have not been reached.</summary>
    public int Count => _byArrival.Count;

    /// <summary>Whether one of them stands where it can be the next.</summary>
    public bool HasNext => _groups.Count > 0;

    /// <summary>All that wait, those included that are not ready.</summary>
    public int Waiting { get; set; }

    /// <summary>Timestamp since when some have waited, within the quota of their account, and none has been admitted.</summary>
    public long Since { get; set; }

    /// <summary>Whether that has been for too long: it has a turn before all others.</summary>
    public bool IsAged { get; set; }

    /// <summary>What its account has been given, with what this step's walks have gone past.</summary>
    public double Tag { get; set; }

    /// <summary>The same as far as it counts against locality: accounts of one level are equals.</summary>
    public double Level { get; set; }

    /// <summary>When the quota of its account lets the next one run; only of those that wait for that.</summary>
    public long AffordableAt { get; set; }

    /// <summary>How many of them are counted as waiting for that.</summary>
    public int OverQuota { get; set; }

    /// <summary>Whether it waits for that because of what runs, and not only for what walks of this step have gone past.</summary>
    public bool IsOverQuota { get; set; }

    /// <summary>
    /// Whose turn it is: those who have waited for too long, higher priorities, those who have been given least, those for whom the engine
    /// has most.
    /// </summary>
    public static int CompareTurns(Flow a, Flow b)
    {
        int order = b.IsAged.CompareTo(a.IsAged);
        if (order == 0 && a.IsAged)
        {
            order = a.Since.CompareTo(b.Since);
        }

        order = order != 0 ? order : b.Priority.CompareTo(a.Priority);
        order = order != 0 ? order : a.Level.CompareTo(b.Level);
        order = order != 0 ? order : Affinity.Compare(a._groups.First!.Affinity, b._groups.First!.Affinity);
        order = order != 0 ? order : a.Tag.CompareTo(b.Tag);
        return order != 0 ? order : a.Account.CompareNumber(b.Account);
    }

    /// <summary>Who has waited longest.</summary>
    public static int CompareSince(Flow a, Flow b) => CompareTimes(a.Since, a, b.Since, b);

    /// <summary>Whose quota lets them run first.</summary>
    public static int CompareQuotas(Flow a, Flow b) => CompareTimes(a.AffordableAt, a, b.AffordableAt, b);

    /// <summary>A request that waits from here on: where it belongs.</summary>
    public RequestGroup GroupOf(Affinity affinity)
    {
        if (!_all.TryGetValue(affinity, out RequestGroup? group))
        {
            _all.Add(affinity, group = new RequestGroup(this, affinity));
            if (affinity != Affinity.None)
            {
                affinity.Groups.Add(group);
            }
        }

        group.Waiting++;
        return group;
    }

    /// <summary>A request of a group waits no more.</summary>
    public void Left(RequestGroup group)
    {
        if (--group.Waiting == 0 && group.Affinity != Affinity.None)
        {
            _all.Remove(group.Affinity);
            group.Affinity.Groups.Remove(group);
        }
    }

    /// <summary>Puts a request in.</summary>
    public void Add(Standing standing)
    {
        RequestGroup group = standing.Group;
        Withdraw(group);
        group.Add(standing);
        _groups.Add(group);
        _byArrival.Add(standing);
    }

    /// <summary>Takes a request out.</summary>
    public void Remove(Standing standing)
    {
        RequestGroup group = standing.Group;
        Withdraw(group);
        group.Remove(standing);
        Restore(group);
        _byArrival.Remove(standing);
    }

    /// <summary>What a group is compared by is about to change.</summary>
    public void Withdraw(RequestGroup group)
    {
        if (_groups.Contains(group))
        {
            _groups.Remove(group);
        }
    }

    /// <summary>It has changed.</summary>
    public void Restore(RequestGroup group)
    {
        if (group.First is not null)
        {
            _groups.Add(group);
        }
    }

    /// <summary>
    /// The next one: the oldest if it has waited for too long, else that for which the engine has most, of the lowest key.
    /// </summary>
    /// <param name="aged">Those that had come by this time have waited for too long.</param>
    public Standing Next(long aged)
    {
        Standing oldest = _byArrival.First!;
        return oldest.Sequence.Request.Arrived <= aged ? oldest : _groups.First!.First!;
    }

    private static int CompareTimes(long first, Flow a, long second, Flow b)
    {
        int order = first.CompareTo(second);
        order = order != 0 ? order : b.Priority.CompareTo(a.Priority);
        return order != 0 ? order : a.Account.CompareNumber(b.Account);
    }
}
