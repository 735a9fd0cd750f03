namespace SLoRA;

/// <summary>
/// Who goes first when sequences compete. The parts compose: classes before shares, shares before locality, locality before the order
/// within one account, all of it within quotas; and nobody is held back beyond <see cref="Ageing"/> by those who come later.
/// </summary>
public sealed record SchedulingPolicy
{
    /// <summary>
    /// The order of requests that nothing else tells apart: of one priority under <see cref="Priorities"/>, and of one account under
    /// <see cref="Shares"/>. The default is first come, first served.
    /// </summary>
    public ServiceOrder Order { get; init; }

    /// <summary>Whether a request of higher <see cref="GenerationOptions.Priority"/> goes first. The default is false.</summary>
    public bool Priorities { get; init; }

    /// <summary>
    /// Whose requests are an account: what <see cref="Shares"/> and quotas count together. The default is clients, by
    /// <see cref="GenerationOptions.ClientId"/>.
    /// </summary>
    public AccountKey Key { get; init; }

    /// <summary>How the engine's work is shared out among accounts; null (the default) when it is not.</summary>
    public FairShares? Shares { get; init; }

    /// <summary>Which requests are preferred because of what the engine has already; null (the default) for none.</summary>
    public LocalityPreference? Locality { get; init; }

    /// <summary>The most that is done for each account that <see cref="Quotas"/> does not name; null (the default) for no limit.</summary>
    public Quota? Quota { get; init; }

    /// <summary>The most that is done for some accounts, by name; "" for requests without one. Read when the engine is built.</summary>
    public IReadOnlyDictionary<string, Quota> Quotas { get; init; } = new Dictionary<string, Quota>();

    /// <summary>
    /// How long requests may be passed by later ones. One that has waited this long goes before all others of its account and priority
    /// that have not; and an account and priority of whose requests none has been admitted for this long, while its quota let it, goes
    /// before all others, with one request. More than zero and at most a day; the default is 30 seconds.
    /// </summary>
    public TimeSpan Ageing { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Ends a request with <see cref="FirstTokenTargetException"/> when it can no longer have its first token within its
    /// <see cref="GenerationOptions.FirstTokenTarget"/>, by the rate that the engine has measured and what goes before it. The default is
    /// false: targets are not looked at.
    /// </summary>
    public bool AbortsLate { get; init; }

    /// <summary>Whether nothing has to be counted: first come, first served.</summary>
    internal bool IsFirstCome =>
        Order == ServiceOrder.FirstCome && !Priorities && Shares is null && Locality is null && Quota is null && Quotas.Count == 0
        && !AbortsLate;

    /// <summary>Whether accounts have to be told apart.</summary>
    internal bool HasAccounts => Shares is not null || Quota is not null || Quotas.Count > 0;

    /// <summary>The policy as it stands now: weights and quotas belong to the caller.</summary>
    internal SchedulingPolicy Copy() => this with
    {
        Shares = Shares is { Weights: { } weights } ? Shares with { Weights = new Dictionary<string, double>(weights) } : Shares,
        Quotas = Quotas is { } quotas ? new Dictionary<string, Quota>(quotas) : Quotas!,
    };
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
