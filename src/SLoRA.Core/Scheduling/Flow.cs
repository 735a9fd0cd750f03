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

    private readonly Heap<Standing> _byKey = new(Standing.CompareKeys, Standing.ByKey);
    private readonly Heap<Standing> _byArrival = new(Standing.CompareArrivals, Standing.ByArrival);

    /// <summary>Whose they are.</summary>
    public Account Account { get; } = account;

    /// <summary>Their priority.</summary>
    public int Priority { get; } = priority;

    /// <summary>Those that are ready and have not been reached.</summary>
    public int Count => _byKey.Count;

    /// <summary>All that wait, those included that are not ready.</summary>
    public int Waiting { get; set; }

    /// <summary>Timestamp since when some have waited and none has been admitted.</summary>
    public long Since { get; set; }

    /// <summary>Whether that has been for too long: it has a turn before all others.</summary>
    public bool IsAged { get; set; }

    /// <summary>What its account has been given, with what this step's walks have gone past.</summary>
    public double Tag { get; set; }

    /// <summary>Whose turn it is: those who have waited for too long, higher priorities, those who have been given least.</summary>
    public static int CompareTurns(Flow a, Flow b)
    {
        int order = b.IsAged.CompareTo(a.IsAged);
        if (order == 0 && a.IsAged)
        {
            order = a.Since.CompareTo(b.Since);
        }

        order = order != 0 ? order : b.Priority.CompareTo(a.Priority);
        order = order != 0 ? order : a.Tag.CompareTo(b.Tag);
        return order != 0 ? order : a.Account.CompareNumber(b.Account);
    }

    /// <summary>Who has waited longest.</summary>
    public static int CompareSince(Flow a, Flow b)
    {
        int order = a.Since.CompareTo(b.Since);
        order = order != 0 ? order : b.Priority.CompareTo(a.Priority);
        return order != 0 ? order : a.Account.CompareNumber(b.Account);
    }

    /// <summary>Puts a request in.</summary>
    public void Add(Standing standing)
    {
        _byKey.Add(standing);
        _byArrival.Add(standing);
    }

    /// <summary>Takes a request out.</summary>
    public void Remove(Standing standing)
    {
        _byKey.Remove(standing);
        _byArrival.Remove(standing);
    }

    /// <summary>Takes the next one out: the oldest if it has waited for too long, else that of the lowest key.</summary>
    /// <param name="aged">Those that had come by this time have waited for too long.</param>
    public Standing Take(long aged)
    {
        Standing oldest = _byArrival.First!;
        Standing next = oldest.Sequence.Request.Arrived <= aged ? oldest : _byKey.First!;
        Remove(next);
        return next;
    }
}
