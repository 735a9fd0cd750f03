namespace SLoRA.Core.Tests.Scheduling.Traces;

/// <summary>What the routers that the traces were recorded with do beside asking their queue who is next.</summary>
internal readonly record struct RouterHabits()
{
    /// <summary>Whether what is computed is charged. A measured rate of prompts follows from it.</summary>
    public bool Charges { get; init; } = true;

    /// <summary>Charges a whole batch once more whenever somebody of it ends.</summary>
    public bool ChargesTwiceAtEnds { get; init; }

    /// <summary>
    /// From so many distinct adapters on, goes on with those of other adapters behind the first that does not fit of those that run.
    /// </summary>
    public int? Clusters { get; init; }

    /// <summary>Goes from the newest or from the oldest, by how many come.</summary>
    public bool TurnsRound { get; init; }

    /// <summary>How soon each request wants its first token; null for no particular time.</summary>
    public TimeSpan? FirstTokenTarget { get; init; }

    /// <summary>Asks in every step, not only after ten.</summary>
    public bool AttemptsAlways { get; init; }

    /// <summary>The target.</summary>
    public long TargetMicroseconds => (long)(FirstTokenTarget?.TotalMicroseconds ?? 0);
}
