namespace SLoRA;

/// <summary>
/// The most that the engine does for one account, however little others ask for. Requests beyond it wait; nothing is refused for it.
/// </summary>
public sealed record Quota
{
    /// <summary>
    /// Rows per second, of prompts and answers together; null (the default) for as many as there are. When a request is admitted, its
    /// prompt and its limit of tokens, of each continuation, are taken from what has been saved up; what it did not compute of them comes
    /// back when it ends. So in any t seconds requests of at most <see cref="Burst"/> + t · RowsPerSecond rows are admitted, those apart
    /// that come back. More than 0 and at most 1,000,000,000.
    /// </summary>
    public double? RowsPerSecond { get; init; }

    /// <summary>
    /// The most rows that are saved up; at the start there are so many. A request that needs more is admitted when all are there, and what
    /// is beyond them has to come in before the next. Null (the default) for what comes in in ten seconds; at most 1,000,000,000,000.
    /// </summary>
    public double? Burst { get; init; }

    /// <summary>
    /// Sequences that run at once, those counted that have been preempted; null (the default) for as many as there are places. A request
    /// with more continuations runs when no other of its account does. At least 1.
    /// </summary>
    public int? MaxRunning { get; init; }
}
