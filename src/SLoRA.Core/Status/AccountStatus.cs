namespace SLoRA;

/// <summary>
/// How an account of a <see cref="SchedulingPolicy"/> stands, or all together that have no name of their own in what is told
/// (<see cref="MetricsOptions.MaxAccountTags"/>). Its numbers are of one moment.
/// </summary>
/// <param name="Name">The account; <see cref="MetricsOptions.OtherAccounts"/> for the others.</param>
public sealed record AccountStatus(string Name)
{
    /// <summary>Requests that wait and have never run.</summary>
    public int Waiting { get; init; }

    /// <summary>How long the oldest of them has waited; zero when none waits.</summary>
    public TimeSpan OldestWait { get; init; }

    /// <summary>Tokens of prompts, and of answers after a preemption, that have been computed without giving a token.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Tokens that have been computed for its answers.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>
    /// What <see cref="SchedulingPolicy.Shares"/> has counted, in rows of prompts by its weight: the smallest goes first. 0 without shares,
    /// and for the others together.
    /// </summary>
    public double Counter { get; init; }

    /// <summary>Requests that were given up because of their <see cref="GenerationOptions.FirstTokenTarget"/>.</summary>
    public long AbortedRequests { get; init; }
}
