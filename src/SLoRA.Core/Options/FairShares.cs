namespace SLoRA;

/// <summary>
/// Shares the engine's work out among accounts (<see cref="SchedulingPolicy.Key"/>) by counters of what each has been given: the one with
/// the smallest goes first. Whoever returns after a while starts with the least of those who wait, so that nobody saves up. This is the
/// virtual token counter of "Fairness in Serving Large Language Models" (2024): between two who have requests waiting all the time, what
/// they are given differs by no more than twice the larger of the longest prompt and <see cref="OutputPrice"/> times the tokens that the
/// pool holds.
/// </summary>
public sealed record FairShares
{
    /// <summary>
    /// How much of the work is whose, by the name of the account; "" for requests without. Who is not named has 1. Each from 0.000001 to
    /// 1,000,000; read when the engine is built.
    /// </summary>
    public IReadOnlyDictionary<string, double> Weights { get; init; } = new Dictionary<string, double>();

    /// <summary>What a token costs, when a row of a prompt that is computed costs 1 and one that is reused nothing. The default is
    /// 2; from 0 to 1000.</summary>
    public double OutputPrice { get; init; } = 2;

    /// <summary>
    /// What a mebibyte of adapters costs that is copied into pages for a request, when a row of a prompt costs 1. The default is 0; at most
    /// 1,000,000.
    /// </summary>
    public double PageInPrice { get; init; }

    /// <summary>
    /// How far an account may be served ahead of the others, in rows of prompts by its weight, for the sake of
    /// <see cref="SchedulingPolicy.Locality"/>: accounts whose counters are in the same interval of this length are equals, and those go
    /// first for whom the engine has most. It adds twice as much to the bound. 0 (the default) gives locality no say between accounts whose
    /// counters differ; at most 1,000,000,000. With it this is deficit longest-prefix matching ("Locality-aware Fair Scheduling in LLM
    /// Serving", 2025).
    /// </summary>
    public double Slack { get; init; }

    /// <summary>
    /// Whether accounts share what there is to hold too, and not only turns: a request that waits for pages or a place takes them from
    /// running sequences of accounts that have been given at least as much as its own, and that hold more of the engine by their weight,
    /// even without what they give up. Those wait and go on later with the same tokens (<see cref="SchedulingOptions.Preemption"/>), and
    /// stand by what their account has been given, no longer before everybody who never ran, until they have waited for
    /// <see cref="SchedulingPolicy.Ageing"/>. And while prompts of several accounts are computed, those go first whose accounts hold least.
    /// So who asks for little has its first token almost as soon as if it were alone, however much others ask for. The default is false:
    /// what runs is not interrupted for others.
    /// </summary>
    public bool Preempts { get; init; }
}
