namespace SLoRA.Pool;

/// <summary>
/// Somebody who keeps pages that nobody uses now, because they may be wanted again: the cache of generations, the cache of prefixes. One
/// reclaim order covers all of them. Belongs to the engine's thread.
/// </summary>
internal interface IIdlePages
{
    /// <summary>Pages that giving up everything idle would free.</summary>
    int IdlePageCount { get; }

    /// <summary>
    /// What keeping the cheapest idle item is worth, per page: the bytes that bringing it back would cost (weighed by their tier), by how
    /// often it is used, divided by how long ago. Infinity when nothing is idle.
    /// </summary>
    double LeastWorth { get; }

    /// <summary>Gives up the item that <see cref="LeastWorth"/> is about.</summary>
    void GiveUpLeast();
}
