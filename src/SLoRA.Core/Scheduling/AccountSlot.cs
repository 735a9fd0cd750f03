namespace SLoRA.Scheduling;

/// <summary>
/// What is told of an account, or of all together that have no name of their own in what is told. Belongs to the engine's thread.
/// </summary>
/// <param name="name">The account; null for the others.</param>
/// <param name="number">Its place in the book.</param>
internal sealed class AccountSlot(string? name, int number)
{
    private Standing? _newest;

    /// <summary>The account; null for the others.</summary>
    public string? Name { get; } = name;

    /// <summary>Its place in the book.</summary>
    public int Number { get; } = number;

    /// <summary>Whether it has changed since it was told last.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Requests that wait and never ran.</summary>
    public int Waiting { get; private set; }

    /// <summary>The one of them that has waited longest; null when there is none.</summary>
    public Standing? Oldest { get; private set; }

    /// <summary>Rows of prompts that have been computed.</summary>
    public long PromptRows { get; set; }

    /// <summary>Tokens that have been computed.</summary>
    public long Tokens { get; set; }

    /// <summary>Requests that were given up because of their first-token targets.</summary>
    public long Aborted { get; set; }

    /// <summary>What the account has been given, in rows of prompts by its weight; of the others, nothing.</summary>
    public double Counter { get; set; }

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
}
