namespace SLoRA;

/// <summary>
/// Who goes first when sequences compete. The parts compose: classes before shares, shares before the order within one client or adapter,
/// and nobody is held back beyond <see cref="Ageing"/> by those who come later.
/// </summary>
public sealed record SchedulingPolicy
{
    /// <summary>
    /// The order of requests that nothing else tells apart: of one priority under <see cref="Priorities"/>, and of one client or adapter
    /// under <see cref="Shares"/>. The default is first come, first served.
    /// </summary>
    public ServiceOrder Order { get; init; }

    /// <summary>Whether a request of higher <see cref="GenerationOptions.Priority"/> goes first. The default is false.</summary>
    public bool Priorities { get; init; }

    /// <summary>How the engine's work is shared out among clients or adapters; null (the default) when it is not.</summary>
    public FairShares? Shares { get; init; }

    /// <summary>
    /// How long requests may be passed by later ones. One that has waited this long goes before all others of its client (or adapter) and
    /// priority that have not; and a client and priority of whose requests none has been admitted for this long goes before all others,
    /// with one request. More than zero and at most a day; the default is 30 seconds.
    /// </summary>
    public TimeSpan Ageing { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Ends a request with <see cref="FirstTokenTargetException"/> when it can no longer have its first token within its
    /// <see cref="GenerationOptions.FirstTokenTarget"/>, by the rate that the engine has measured and what goes before it. The default is
    /// false: targets are not looked at.
    /// </summary>
    public bool AbortsLate { get; init; }

    /// <summary>Whether nothing has to be counted: first come, first served.</summary>
    internal bool IsFirstCome => Order == ServiceOrder.FirstCome && !Priorities && Shares is null && !AbortsLate;

    /// <summary>The policy as it stands now: the weights belong to the caller.</summary>
    internal SchedulingPolicy Copy() => Shares is { Weights: { } weights }
        ? this with { Shares = Shares with { Weights = new Dictionary<string, double>(weights) } }
        : this;
}

/// <summary>The order of requests that nothing else tells apart.</summary>
public enum ServiceOrder
{
    /// <summary>First come, first served.</summary>
    FirstCome,

    /// <summary>The latest first, until a request has waited for <see cref="SchedulingPolicy.Ageing"/>.</summary>
    LastCome,

    /// <summary>
    /// The one that needs the fewest rows, prompt and limit of tokens together, until a request has waited for
    /// <see cref="SchedulingPolicy.Ageing"/>.
    /// </summary>
    ShortestFirst,
}
